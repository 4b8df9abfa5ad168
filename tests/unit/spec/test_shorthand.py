import pytest

from pfs_provider.spec.shorthand import input_text
from tests.unit.spec.examples import Document, load, pfs

JOINED = {"glob": "/(*)", "join_on": "$1", "group_by": "$1"}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (pfs(), "images:/*"),
        (pfs(project="vision", branch="v1"), "vision/images:/*"),
        ({"cross": [pfs("a"), pfs("b", "/")]}, "a:/* ⨯ b:/"),
        ({"union": [pfs("a"), pfs("b")]}, "a:/* ∪ b:/*"),
        ({"join": [pfs("a", **JOINED), pfs("b", **JOINED)]}, "a:/(*) ⋈ b:/(*)"),
        ({"group": [pfs("a", **JOINED), pfs("b", **JOINED)]}, "Group: a:/(*), b:/(*)"),
        ({"cross": [pfs("a"), {"union": [pfs("b"), pfs("c")]}]}, "a:/* ⨯ (b:/* ∪ c:/*)"),
        ({"cron": {"name": "tick", "spec": "@daily"}}, "tick:@daily"),
    ],
)
def test_an_input_reads_in_one_line(given: Document, text: str) -> None:
    assert input_text(load(input=given).spec.input) == text
