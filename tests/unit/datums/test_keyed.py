"""What is read to find the rows of a key; which rows those are, by law in tests/property."""

from collections.abc import Iterable
from typing import Any

import pytest

from pfs_provider.datums.datum import Item, make_datum
from pfs_provider.datums.expand import Key
from pfs_provider.datums.keyed import Files, group_of_keys, join_of_keys
from pfs_provider.spec.model import GroupInput, JoinInput, PfsInput
from tests.unit.datums.examples import input_of, pfs, shown
from tests.unit.datums.sides import items, keyed

REPOS = {
    "a": dict.fromkeys(["/1-x", "/1-y", "/2-x", "/3-x"], ""),
    "b": dict.fromkeys(["/1-x", "/2-y", "/2-z"], ""),
    "c": {"/2-q": ""},
}
ONE, TWO = "$1", "$2"


def leaf(repo: str, **more: object) -> dict[str, object]:
    """Files that are joined by what stands first, and grouped by what stands behind."""
    return pfs(repo, "/(*)-(*)", **{"join_on": ONE, "group_by": TWO, **more})


A, B, C = leaf("a"), leaf("b"), leaf("c")
OUTER = [leaf("a", outer_join=True), leaf("b", outer_join=True)]


def rows(node: Any, *keys: Key) -> tuple[list[str], list[str]]:
    """Return the rows of some keys, and the repos that were read whole for it."""
    whole: list[str] = []

    def every(part: PfsInput) -> Iterable[Item]:
        whole.append(part.repo)
        return items(REPOS, part)

    files = Files(every=every, keyed=lambda part, word, texts: keyed(REPOS, part, word, texts))
    made = input_of(node)
    assert isinstance(made, JoinInput | GroupInput)
    pick = join_of_keys if isinstance(made, JoinInput) else group_of_keys
    return shown(make_datum(row) for row in pick(made.parts, files, set(keys))), whole


@pytest.mark.parametrize(
    ("node", "key", "expected"),
    [
        ({"join": [A, C]}, ("2",), ["a:/2-x c:/2-q"]),
        ({"join": [A, B]}, ("3",), []),
        ({"join": OUTER}, ("3",), ["a:/3-x"]),
        (
            {"join": [A, {"cross": [B, C]}]},
            ("2",),
            ["a:/2-x b:/2-y c:/2-q", "a:/2-x b:/2-z c:/2-q"],
        ),
        (
            {"join": [{"union": [A, B]}, C]},
            ("2",),
            ["a:/2-x c:/2-q", "b:/2-y c:/2-q", "b:/2-z c:/2-q"],
        ),
    ],
)
def test_a_join_reads_what_has_the_key(node: Any, key: Key, expected: list[str]) -> None:
    assert rows(node, key) == (expected, [])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ([A, B], ["a:/1-y b:/2-y"]),
        ([leaf("a", group_by=ONE + TWO), B], ["b:/2-y"]),
        # The files of b are those with the join keys of what of a is in the group.
        ([{"join": [A, leaf("b", group_by="")]}], ["a:/1-y b:/1-x"]),
    ],
    ids=["group", "two readings", "through a join"],
)
def test_a_group_reads_what_has_the_key(node: Any, expected: list[str]) -> None:
    assert rows({"group": node}, ("y",)) == (expected, [])


def test_a_file_stands_alone_where_it_has_no_partner_not_where_none_was_read() -> None:
    nested = {"group": [{"join": OUTER}]}

    assert rows(nested, ("z",)) == ([], [])
    assert rows(nested, ("x", "z")) == (["a:/2-x b:/2-z"], [])


def test_a_group_is_whole_where_one_of_its_files_has_the_key() -> None:
    nested = {"join": [{"group": [A, B]}, C]}

    assert rows(nested, ("2",)) == (["b:/2-z c:/2-q"], [])
    assert rows(nested, ("1", "2")) == ([], [])  # a group without a partner


def test_all_is_read_of_what_gives_no_key() -> None:
    found, whole = rows({"group": [{"cross": [A, leaf("c", group_by="")]}]}, ("y",))

    assert (found, whole) == (["a:/1-y c:/2-q"], ["c"])


def test_nothing_is_read_for_no_key() -> None:
    assert rows({"join": [A, B]}) == ([], [])


def test_what_gives_no_key_may_stand_alone_beside_what_gives_it() -> None:
    alone = [leaf("c", name="other", outer_join=True), leaf("b", group_by="", outer_join=True)]
    nested = {"group": [{"cross": [C, {"join": alone}]}]}

    # /1-x of b has no partner and gives no key: it is in the group of c all the same.
    assert rows(nested, ("q",))[0] == ["b:/1-x b:/2-y b:/2-z c:/2-q other:/2-q"]


def test_equal_rows_of_a_union_have_the_key_of_the_first() -> None:
    same = [leaf("a", outer_join=True), leaf("a", join_on=TWO, outer_join=True)]
    nested = {"join": [{"union": same}, C]}

    assert rows(nested, ("x",)) == ([], ["a", "a"])
    assert rows(nested, ("3",))[0] == ["a:/3-x"]
