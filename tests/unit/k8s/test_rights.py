"""Which rights are missing, from a SelfSubjectRulesReview."""

from typing import Any

import pytest

from pfs_provider.k8s.rights import find_missing, needed_rights


def _rule(group: str, resource: str, *verbs: str, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **more}


LEAST = [
    _rule("batch", "jobs", "create", "get", "patch", "delete"),
    _rule("", "pods", "list"),
    _rule("", "events", "list"),
    _rule("", "secrets", "create"),
]


def test_the_least_rules_are_enough() -> None:
    assert find_missing({"resourceRules": LEAST}, needed_rights(own_secret=True)) == ()
    assert find_missing({"resourceRules": LEAST[:3]}, needed_rights(own_secret=False)) == ()


@pytest.mark.parametrize("right", needed_rights(own_secret=True), ids=lambda right: right[1:])
def test_each_right_is_missed(right: tuple[str, str, str]) -> None:
    group, resource, verb = right
    rules = [
        rule | {"verbs": [name for name in rule["verbs"]
                          if (rule["resources"], name) != ([resource], verb)]}
        for rule in LEAST
    ]  # fmt: skip

    missing = find_missing({"resourceRules": rules}, needed_rights(own_secret=True))

    assert missing == ((verb, resource),)
    assert (group == "batch") == (resource == "jobs")


def test_a_rule_for_some_names_or_another_group_does_not_count() -> None:
    rules = [*LEAST[:3], _rule("", "secrets", "create", resourceNames=["one"]),
             _rule("apps", "secrets", "*")]  # fmt: skip

    assert find_missing({"resourceRules": rules}, needed_rights(own_secret=True)) == (
        ("create", "secrets"),
    )


def test_everything_may_be_said_by_stars() -> None:
    assert find_missing({"resourceRules": [_rule("*", "*", "*")]}, needed_rights(own_secret=True)) \
        == ()  # fmt: skip


def test_what_cannot_be_listed_is_not_missed() -> None:
    status = {"incomplete": True, "resourceRules": []}

    assert find_missing(status, needed_rights(own_secret=True)) == ()
