"""Indexes by key: found in them is what reading all would find, and they do not tell their past."""

from collections.abc import Iterable

import pytest

from pfs_provider.jobs.key_index import Keyed, find_indexed, indexed_inputs, make_index
from pfs_provider.spec.model import PfsInput
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.globbing import glob_items
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import EMPTY_TREE, TreeItem, TreeRef
from tests.pfs_world import PfsWorld
from tests.unit.datums.examples import input_of, pfs

PATHS = [
    "/1-x",
    "/2-y",
    "/3-x",
    "/a/1-x",
    "/a-x/1-y",
    "/a-x!-x",
    "/a-x.b",
    "/e%1-x/1-x",
    "/é-x",
    "/plain",
]
FILES, ANY, FOLDERS = "/**-(?)", "/{*,*/*}-(?)", "/*-(?)"


@pytest.fixture
def storage(world: PfsWorld) -> Storage:
    return world.storage


def tree_of(storage: Storage, paths: Iterable[str]) -> TreeRef:
    writer = ContentWriter(storage)
    for path in paths:
        writer.put_bytes(path, path.encode())
    return next((build_tree(storage, rows) for rows in writer.finish()), EMPTY_TREE)


def keyed(glob: str, key: str = "$1") -> Keyed:
    part = PfsInput(name="in", project="default", repo="in", glob=glob, join_on=key)
    return Keyed(part, "join_on")


def read_all(storage: Storage, tree: TreeRef, made: Keyed, texts: set[str]) -> list[TreeItem]:
    return [
        item
        for item in glob_items(storage, tree, made.glob)
        if made.template.expand(item.path, made.glob.match(item.path) or ()) in texts
    ]


@pytest.mark.parametrize("glob", [FILES, ANY, FOLDERS])
@pytest.mark.parametrize("texts", [{"x"}, {"y"}, {"x", "y"}, {"z"}, {""}])
def test_an_index_finds_what_reading_all_finds(
    storage: Storage, glob: str, texts: set[str]
) -> None:
    tree, made = tree_of(storage, PATHS), keyed(glob)
    index = make_index(storage, made, tree, None)

    found = find_indexed(storage, tree, index, texts, most=99)

    assert found == read_all(storage, tree, made, texts)


@pytest.mark.parametrize("glob", [FILES, ANY, FOLDERS])
def test_an_index_made_of_the_one_before_is_the_one_made_of_nothing(
    storage: Storage, glob: str
) -> None:
    made, old = keyed(glob), tree_of(storage, PATHS)
    index = make_index(storage, made, old, None)
    for paths in (PATHS[2:], [*PATHS, "/4-y"], [], [*PATHS[:3], "/a-x/1-y/file"], PATHS):
        new = tree_of(storage, paths)

        assert make_index(storage, made, new, (old, index)) == make_index(storage, made, new, None)


def test_too_many_are_not_gathered(storage: Storage) -> None:
    tree, made = tree_of(storage, PATHS), keyed(FOLDERS)
    index = make_index(storage, made, tree, None)

    assert find_indexed(storage, tree, index, {"x"}, most=5) is None
    assert len(find_indexed(storage, tree, index, {"x"}, most=6) or []) == 6


def test_an_index_is_for_one_tree_glob_and_template(storage: Storage) -> None:
    tree, other = tree_of(storage, PATHS), tree_of(storage, PATHS[1:])
    names = {
        made.index_name(each)
        for made in (keyed(FILES), keyed(ANY), keyed(FILES, "$1$1"))
        for each in (tree, other)
    }

    assert len(names) == 6
    assert keyed(FILES).index_name(tree) in names


def test_indexed_is_what_does_not_begin_with_its_key() -> None:
    leaves = [
        pfs("a", "/(*)-*", join_on="$1", group_by="$1"),
        pfs("b", "/*-(*)", join_on="$1"),
        pfs("c", "/(*)-(*)", join_on="$2", group_by="$1"),
    ]
    node = input_of({"group": [{"join": leaves[:2]}, leaves[2]]})

    found = [(made.part.repo, made.attribute) for made in indexed_inputs(node)]

    assert found == [("b", "join_on")]
    assert [made.part.repo for made in indexed_inputs(input_of({"join": leaves}))] == ["b", "c"]
    assert list(indexed_inputs(input_of(pfs("a", "/*-(*)", join_on="$1")))) == []
