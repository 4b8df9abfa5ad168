import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from pfs_provider.datums.expand import expand
from pfs_provider.datums.identity import datum_id
from pfs_provider.spec.model import PfsInput
from tests.unit.datums.examples import Found, files, input_of, pfs, shown

JOINED: dict[str, Any] = {"glob": "/(*).*", "join_on": "$1"}
GROUPED: dict[str, Any] = {"glob": "/(*).*", "group_by": "$1"}


def _shown(node: object, **by_repo: str) -> list[str]:
    return shown(expand(input_of(node), files(**by_repo)))


def test_a_pfs_input_gives_a_datum_for_each_file_and_folder() -> None:
    assert _shown(pfs("a"), a="/1 /2/") == ["a:/1", "a:/2"]


def test_a_double_star_gives_files_only() -> None:
    assert _shown(pfs("a", "/**"), a="/1 /2/ /2/3") == ["a:/1", "a:/2/3"]


def test_the_root_is_one_datum_and_a_folder() -> None:
    [made] = expand(input_of(pfs("a", "/")), files(a="/"))

    assert [(p.path, p.is_dir) for p in made.pieces] == [("/", True)]


def test_an_empty_repo_gives_no_datum() -> None:
    assert _shown(pfs("a")) == []


def test_a_cron_input_gives_its_ticks() -> None:
    assert _shown({"cron": {"name": "t", "spec": "@daily"}}, edges_t="/2024") == ["t:/2024"]


def test_the_last_part_of_a_cross_varies_fastest() -> None:
    made = _shown({"cross": [pfs("a"), pfs("b")]}, a="/1 /2", b="/x /y")

    assert made == ["a:/1 b:/x", "a:/1 b:/y", "a:/2 b:/x", "a:/2 b:/y"]


@pytest.mark.parametrize("empty", ["a", "b", "c"])
def test_a_cross_with_an_empty_part_gives_none(empty: str) -> None:
    given = {"a": "/1", "b": "/1", "c": "/1", empty: ""}
    nested = {"cross": [pfs("a"), {"cross": [pfs("b"), pfs("c")]}]}

    assert _shown(nested, **given) == []


def test_a_cross_reordered_gives_the_same_datums() -> None:
    here = expand(input_of({"cross": [pfs("a"), pfs("b")]}), files(a="/1 /2", b="/x /y"))
    there = expand(input_of({"cross": [pfs("b"), pfs("a")]}), files(a="/1 /2", b="/x /y"))

    assert {datum_id(each) for each in here} == {datum_id(each) for each in there}


def test_a_union_gives_its_parts_one_after_another() -> None:
    made = _shown({"union": [pfs("b"), pfs("a")]}, a="/1", b="/x /y")

    assert made == ["b:/x", "b:/y", "a:/1"]


def test_parts_of_a_union_with_one_name_stay_apart() -> None:
    node = {"union": [pfs("a", name="x"), pfs("b", name="x")]}

    datums = list(expand(input_of(node), files(a="/1", b="/1")))

    assert shown(datums) == ["x:/1", "x:/1"]
    assert len({datum_id(each) for each in datums}) == 2


def test_what_overlapping_globs_of_a_union_select_twice_is_one_datum() -> None:
    assert _shown({"union": [pfs("a"), pfs("a")]}, a="/1 /2") == ["a:/1", "a:/2"]


def test_a_cross_of_unions_multiplies_sums() -> None:
    node = {"cross": [{"union": [pfs("a"), pfs("b")]}, {"union": [pfs("c"), pfs("d")]}]}

    made = _shown(node, a="/1", b="/2", c="/3", d="/4")

    assert made == ["a:/1 c:/3", "a:/1 d:/4", "b:/2 c:/3", "b:/2 d:/4"]


def test_a_join_pairs_equal_keys_and_drops_the_rest() -> None:
    node = {"join": [pfs("a", **JOINED), pfs("b", **JOINED)]}

    made = _shown(node, a="/1.x /2.x /2.y", b="/2.z /3.z")

    assert made == ["a:/2.x b:/2.z", "a:/2.y b:/2.z"]


def test_an_outer_join_keeps_what_has_no_partner() -> None:
    node = {"join": [pfs("a", **JOINED, outer_join=True), pfs("b", **JOINED)]}

    assert _shown(node, a="/1.x /2.x", b="/2.z /3.z") == ["a:/1.x", "a:/2.x b:/2.z"]


def test_a_full_outer_join_keeps_both_sides() -> None:
    outer = {**JOINED, "outer_join": True}

    made = _shown({"join": [pfs("a", **outer), pfs("b", **outer)]}, a="/1.x", b="/3.z")

    assert made == ["a:/1.x", "b:/3.z"]


def test_an_outer_join_without_keys_is_a_cross_of_what_is_there() -> None:
    node = {"join": [pfs("a", outer_join=True), pfs("b", outer_join=True)]}

    assert _shown(node, a="/1 /2", b="/3") == ["a:/1 b:/3", "a:/2 b:/3"]
    assert _shown(node, a="/1 /2", b="") == ["a:/1", "a:/2"]


def test_an_outer_join_of_three_keeps_the_outer_parts_that_are_there() -> None:
    outer = {**JOINED, "outer_join": True}
    node = {"join": [pfs("a", **outer), pfs("b", **outer), pfs("c", **JOINED)]}

    assert _shown(node, a="/1.x", b="/1.y", c="/2.z") == ["a:/1.x b:/1.y"]


def test_a_join_of_a_join_is_a_join_of_all() -> None:
    parts = [pfs(name, **JOINED) for name in "abc"]
    given = {"a": "/1.x /2.x", "b": "/1.y /2.y", "c": "/2.z"}

    assert _shown({"join": [{"join": parts[:2]}, parts[2]]}, **given) == _shown(
        {"join": parts}, **given
    )


def test_pieces_of_a_join_know_their_key() -> None:
    node = input_of({"join": [pfs("a", **JOINED), pfs("b", **JOINED)]})

    [made] = expand(node, files(a="/1.x", b="/1.y"))

    assert [p.join_on for p in made.pieces] == ["1", "1"]


def test_a_group_gathers_all_files_of_a_key() -> None:
    node = {"group": [pfs("a", **GROUPED), pfs("b", **GROUPED)]}

    made = _shown(node, a="/1.x /2.x /2.y", b="/2.z /3.z")

    assert made == ["a:/1.x", "a:/2.x a:/2.y b:/2.z", "b:/3.z"]


def test_a_group_around_a_join_groups_what_was_joined() -> None:
    joined = {"glob": "/(*)-(*)", "join_on": "$1"}
    node = {"group": [{"join": [pfs("a", **joined, group_by="$2"), pfs("b", **joined)]}]}

    made = _shown(node, a="/1-k /2-k /3-m", b="/1-u /2-v")

    assert made == ["a:/1-k a:/2-k b:/1-u b:/2-v"]


def test_an_unused_group_gives_an_empty_key() -> None:
    node = input_of({"group": [pfs("a", "/{x,(y)}", group_by="$1")]})

    keys = [each.pieces[0].group_by for each in expand(node, files(a="/x /y"))]

    assert keys == ["", "y"]


def test_a_million_datums_are_one_at_a_time() -> None:
    def endless(node: PfsInput) -> Iterator[Found]:
        return (Found(f"/{node.name}{number}") for number in range(10**6))

    node = input_of({"union": [pfs("a"), pfs("b")]})
    tracemalloc.start()

    count = sum(1 for _ in islice(expand(node, endless), 50_000))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000
    assert peak < 500_000


def test_a_lookup_is_asked_only_when_its_files_are_wanted() -> None:
    asked: list[str] = []

    def look_up(node: PfsInput) -> list[Found]:
        asked.append(node.name)
        return [Found("/1")]

    datums = expand(input_of({"union": [pfs("a"), pfs("b")]}), look_up)
    next(datums)

    assert asked == ["a"]
