"""Answers of a cluster in our words; more of them in test_client.py, over real HTTP."""

import json

from pfs_provider.errors import ErrorCode
from pfs_provider.k8s.faults import MAX_TEXT, Request, forbidden, read_fault

ASKED = Request(verb="create", resource="jobs", group="batch", namespace="work", name="j")


def test_an_answer_without_json_is_passed_on_shortened() -> None:
    error = read_fault(ASKED, 502, "<html>" + "x" * 2000)

    assert error.code == ErrorCode.CLUSTER_UNAVAILABLE
    assert "create jobs 'j' in the namespace 'work'" in str(error)
    assert len(str(error)) < MAX_TEXT + 100


def test_an_answer_without_words_says_so() -> None:
    assert "no reason given" in str(read_fault(ASKED, 500, ""))
    assert "no reason given" in str(read_fault(ASKED, 418, ""))


def test_rights_that_are_missing_are_listed_with_the_role_that_grants_them() -> None:
    error = forbidden("work", (("delete", "jobs"), ("list", "events")))

    assert "delete jobs, list events in the namespace 'work'" in str(error)
    assert error.fields["missing"] == ["delete jobs", "list events"]
    assert "Role" in str(error)


def test_the_apis_own_words_name_the_right() -> None:
    body = json.dumps({
        "message": 'jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group'
    })  # fmt: skip

    assert read_fault(ASKED, 403, body).fields["missing"] == ["create jobs"]
