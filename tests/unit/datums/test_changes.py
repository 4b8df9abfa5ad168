"""What a change of the inputs touches, by table; by law in tests/property/test_input_changes.py."""

from typing import Any

import pytest

from pfs_provider.datums.changes import can_find_changed
from tests.unit.datums.examples import input_of, pfs
from tests.unit.datums.sides import changed

A, B = pfs("a"), pfs("b")
KEYED: dict[str, Any] = {"glob": "/(*).*", "join_on": "$1", "group_by": "$1"}
KA, KB = pfs("a", **KEYED), pfs("b", **KEYED)
OLD = {"a": {"/1.x": "0", "/2.x": "0"}, "b": {"/1.y": "0", "/3.y": "0"}}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (A, ["a:/1.x"]),
        ({"union": [A, B]}, ["a:/1.x"]),
        ({"cross": [A, B]}, ["a:/1.x b:/1.y", "a:/1.x b:/3.y"]),
        ({"cross": [B, A]}, ["a:/1.x b:/1.y", "a:/1.x b:/3.y"]),
        ({"join": [KA, KB]}, ["a:/1.x b:/1.y"]),
        ({"group": [KA, KB]}, ["a:/1.x b:/1.y"]),
        ({"group": [{"join": [KA, KB]}]}, ["a:/1.x b:/1.y"]),
    ],
)
def test_a_changed_file_touches(node: Any, expected: list[str]) -> None:
    new = {**OLD, "a": {"/1.x": "new", "/2.x": "0"}}

    assert changed(node, new, OLD) == expected


@pytest.mark.parametrize("node", [A, {"cross": [A, B]}, {"join": [KA, KB]}, {"group": [KA, KB]}])
def test_nothing_touches_nothing(node: Any) -> None:
    assert changed(node, OLD, dict(OLD)) == []


def test_a_part_that_is_no_longer_empty_makes_all_of_a_cross() -> None:
    empty = {**OLD, "b": {}}

    assert changed({"cross": [A, B]}, empty, OLD) == []
    assert len(changed({"cross": [A, B]}, OLD, empty)) == 4


def test_an_outer_join_loses_what_stood_alone() -> None:
    outer = {"join": [pfs("a", **KEYED, outer_join=True), KB]}
    new = {**OLD, "b": {"/1.y": "0", "/2.y": "0"}}

    assert changed(outer, new, OLD) == ["a:/2.x b:/2.y"]
    assert changed(outer, OLD, new) == ["a:/2.x"]


def test_there_is_no_rule_where_two_parts_may_give_one_group() -> None:
    assert can_find_changed(input_of({"union": [A, A]}))
    assert can_find_changed(input_of({"union": [{"group": [KA]}, {"group": [KB]}]}))
    assert not can_find_changed(input_of({"cross": [B, {"union": [{"group": [KA]}, KA]}]}))
