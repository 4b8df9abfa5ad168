"""Which rights a launcher needs on a cluster, and which of them an account lacks.

They are looked at before the first pod, because some are needed only at the end: whoever may not
delete would leave pods behind. Pure. Must not know: the client.
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["find_missing", "needed_rights"]

JOBS = ("batch", "jobs", ("create", "get", "patch", "delete"))
PODS = ("", "pods", ("list",))
EVENTS = ("", "events", ("list",))
SECRETS = ("", "secrets", ("create",))

Right = tuple[str, str, str]
"""Group, resource and verb."""


def needed_rights(*, own_secret: bool) -> tuple[Right, ...]:
    """Return what a launcher does in its namespace.

    Args:
        own_secret: Whether it makes a Secret for each Job.
    """
    parts = (JOBS, PODS, EVENTS, SECRETS) if own_secret else (JOBS, PODS, EVENTS)
    return tuple((group, resource, verb) for group, resource, verbs in parts for verb in verbs)


def find_missing(
    status: Mapping[str, Any], needed: tuple[Right, ...]
) -> tuple[tuple[str, str], ...]:
    """Return verb and resource of what is needed and not granted.

    Args:
        status: Of a SelfSubjectRulesReview. Where it says that it is incomplete, because an
            authorizer cannot list its rules, nothing is known and nothing is missing.
        needed: Rights.
    """
    if status.get("incomplete"):
        return ()
    rules = list(status.get("resourceRules") or [])
    return tuple(
        (verb, resource)
        for group, resource, verb in needed
        if not any(_grants(rule, group, resource, verb) for rule in rules)
    )


def _grants(rule: Mapping[str, Any], group: str, resource: str, verb: str) -> bool:
    # A rule for certain names does not help: names of Jobs come from jobs.
    if rule.get("resourceNames"):
        return False
    wanted = (("apiGroups", group), ("resources", resource), ("verbs", verb))
    return all({value, "*"} & set(_texts(rule, field)) for field, value in wanted)


def _texts(rule: Mapping[str, Any], field: str) -> Iterator[str]:
    yield from rule.get(field) or ()
