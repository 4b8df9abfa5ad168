"""Laws of trees: identity, edits, diff and merge, against a plain dict as the model.

Pages are made tiny, so that a few files already fill several levels.
"""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.clock import SystemClock
from pfs_provider.refs.globs import compile_glob
from pfs_provider.storage import pages
from pfs_provider.storage.apply import apply_changes, apply_deltas
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.deltas import Delta, write_delta
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.gathering import TreeEdits
from pfs_provider.storage.globbing import glob_items
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import find_item, iter_entries, list_folder
from pfs_provider.storage.merge import merge_trees
from pfs_provider.storage.rows import Rows, merge_rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.tree import find_entries, find_entry
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef, parse_tree_ref
from pfs_provider.testing.trees import edits, file_paths, files, without

Files = dict[str, Entry]


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with (
        pytest.MonkeyPatch.context() as patch,
        Storage(MemoryStore(), clock=SystemClock()) as storage,
    ):
        for name, value in (
            ("LEAF_MASK", 3),
            ("LEAF_MAX", 8),
            ("INDEX_MASK", 1),
            ("INDEX_MAX", 4),
        ):
            patch.setattr(pages, name, value)
        yield storage


def build(storage: Storage, content: Files) -> TreeRef:
    return build_tree(storage, Rows.from_entries(content.items()))


@given(content=files())
def test_a_tree_gives_back_its_files_in_byte_order(storage: Storage, content: Files) -> None:
    tree = build(storage, content)

    found = list(iter_entries(storage, tree))

    assert dict(found) == content
    assert [path for path, _ in found] == sorted(content, key=str.encode)
    assert (tree.n_files, tree.size) == (len(content), sum(e.size for e in content.values()))
    assert parse_tree_ref(tree.text) == tree


@given(content=files(), chooser=st.randoms(use_true_random=False), n_writes=st.integers(1, 5))
def test_identity_does_not_depend_on_order_or_number_of_writes(
    storage: Storage, content: Files, chooser: random.Random, n_writes: int
) -> None:
    paths = list(content)
    chooser.shuffle(paths)

    tree = EMPTY_TREE
    for number in range(n_writes):
        part = {path: content[path] for path in paths[number::n_writes]}
        rows = Rows.from_entries(part.items())
        tree = apply_changes(storage, tree, deletes=(), rows=rows)

    assert tree == build(storage, content)


@given(content=files(), steps=st.lists(edits(), max_size=5))
def test_incremental_equals_from_scratch(
    storage: Storage, content: Files, steps: list[tuple[tuple[str, ...], Files]]
) -> None:
    tree = build(storage, content)
    for deletes, puts in steps:
        content = without(content, deletes) | puts
        rows = Rows.from_entries(puts.items())
        tree = apply_changes(storage, tree, deletes=deletes, rows=rows)

        assert tree == build(storage, content)


@given(content=files(), steps=st.lists(edits(), max_size=5))
def test_deltas_at_once_equal_changes_one_by_one(
    storage: Storage, content: Files, steps: list[tuple[tuple[str, ...], Files]]
) -> None:
    base = build(storage, content)
    names: list[str] = []
    expected = base
    for deletes, puts in steps:
        rows = Rows.from_entries(puts.items())
        names.append(write_delta(storage, Delta(deletes, rows)))
        expected = apply_changes(storage, expected, deletes=deletes, rows=rows)

    assert apply_deltas(storage, base, names) == expected


@given(content=files())
def test_identity_is_blind_to_places_and_datums(storage: Storage, content: Files) -> None:
    rows = Rows.from_entries(content.items())

    one = build_tree(storage, rows)
    other = build_tree(storage, rows.with_datum(b"z" * 16))

    assert one.logical == other.logical
    assert not list(diff_trees(storage, one, other))


@given(content=files(), changed=edits())
def test_equal_identity_means_equal_files_to_a_reader(
    storage: Storage, content: Files, changed: tuple[tuple[str, ...], Files]
) -> None:
    deletes, puts = changed
    other = without(content, deletes) | puts

    same = build(storage, content).logical == build(storage, other).logical

    assert same == (_seen(content) == _seen(other))


@given(old=files(), changed=edits())
def test_diff_tells_exactly_what_differs_in_path_order(
    storage: Storage, old: Files, changed: tuple[tuple[str, ...], Files]
) -> None:
    deletes, puts = changed
    new = without(old, deletes) | puts

    changes = list(diff_trees(storage, build(storage, new), build(storage, old)))

    expected = [
        (path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys(), key=str.encode)
        if _seen(old).get(path) != _seen(new).get(path)
    ]
    assert [(change.path, change.old, change.new) for change in changes] == expected


@given(old=files(), new=files())
def test_a_diff_applied_gives_the_new_tree(storage: Storage, old: Files, new: Files) -> None:
    before, after = build(storage, old), build(storage, new)

    changes = list(diff_trees(storage, after, before))
    deletes = [change.path for change in changes if change.new is None]
    puts = Rows.from_entries((c.path, c.new) for c in changes if c.new is not None)

    result = apply_changes(storage, before, deletes=deletes, rows=puts)
    assert result.logical == after.logical


@given(base=files(), ours=edits(), theirs=edits())
def test_a_merge_takes_what_either_side_changed(
    storage: Storage,
    base: Files,
    ours: tuple[tuple[str, ...], Files],
    theirs: tuple[tuple[str, ...], Files],
) -> None:
    mine, yours = (without(base, deletes) | puts for deletes, puts in (ours, theirs))
    trees = [build(storage, content) for content in (base, mine, yours)]

    merged = merge_trees(storage, *trees, on_conflict=lambda conflict: conflict.theirs)

    was, left, right = _seen(base), _seen(mine), _seen(yours)
    expected = {
        path: right.get(path) if right.get(path) != was.get(path) else left.get(path)
        for path in was.keys() | left.keys() | right.keys()
    }
    found = _seen(dict(iter_entries(storage, merged)))
    assert found == {path: seen for path, seen in expected.items() if seen is not None}


@given(base=files(), ours=edits())
def test_merging_with_an_unchanged_side_gives_the_other(
    storage: Storage, base: Files, ours: tuple[tuple[str, ...], Files]
) -> None:
    was = build(storage, base)
    mine = build(storage, without(base, ours[0]) | ours[1])

    assert merge_trees(storage, was, mine, was).logical == mine.logical
    assert merge_trees(storage, was, was, mine).logical == mine.logical


@given(content=files(), paths=st.lists(file_paths(), max_size=20))
def test_files_are_found_by_path(storage: Storage, content: Files, paths: list[str]) -> None:
    tree = build(storage, content)

    expected = [content.get(path) for path in paths]

    assert [find_entry(storage, tree, path) for path in paths] == expected
    assert find_entries(storage, tree, paths) == expected


@given(content=files(), prefix=st.sampled_from(["/", "/d", "/d/", "/d/e", "/é", "/none"]))
def test_listing_below_a_folder_gives_just_that(
    storage: Storage, content: Files, prefix: str
) -> None:
    tree = build(storage, content)

    below = {path for path in content if path.startswith(prefix.rstrip("/") + "/")}

    assert {path for path, _ in iter_entries(storage, tree, prefix=prefix)} == below
    children = list(list_folder(storage, tree, prefix))
    stem = len(prefix.rstrip("/")) + 1
    expected = {path[: stem + len(path[stem:].split("/")[0])] for path in below}
    assert {child.path for child in children} == expected
    assert sum(child.n_files for child in children) == len(below)
    assert children == [find_item(storage, tree, child.path) for child in children]


@given(content=files(), start=file_paths())
def test_listing_may_start_anywhere(storage: Storage, content: Files, start: str) -> None:
    tree = build(storage, content)

    found = [path for path, _ in iter_entries(storage, tree, start=start)]

    ordered = sorted(content, key=str.encode)
    assert found == [path for path in ordered if path.encode() >= start.encode()]


@given(content=files())
def test_a_folder_digest_moves_with_the_subtree(storage: Storage, content: Files) -> None:
    below = {path: entry for path, entry in content.items() if path.startswith("/d/")}
    moved = {"/else/where" + path[2:]: entry for path, entry in below.items()}

    here = find_item(storage, build(storage, content), "/d")
    there = find_item(storage, build(storage, moved), "/else/where")

    assert (here is None) == (there is None) == (not below)
    if here is not None and there is not None:
        assert (here.digest, here.size, here.n_files) == (there.digest, there.size, there.n_files)


GLOBS = ["/", "/*", "/*/*", "/d/*", "/**", "/d/**", "/**.f", "/d/n0?1.f", "/d/{e,e-f}", "/d/[n-x]*"]


@given(content=files(), text=st.sampled_from([*GLOBS, "/d/e/n001.f", "/{d,d/e}", "/z/*/x"]))
def test_a_glob_selects_what_matching_every_item_selects(
    storage: Storage, content: Files, text: str
) -> None:
    tree, glob = build(storage, content), compile_glob(text)

    found = list(glob_items(storage, tree, glob))

    folders = {path[:at] or "/" for path in content for at, c in enumerate(path) if c == "/"}
    candidates = set(content) | (set() if glob.files_only else folders)
    expected = {path for path in candidates if glob.match(path) is not None}
    assert {item.path for item in found} == expected
    assert len(found) == len(expected)
    assert found == [find_item(storage, tree, item.path) for item in found]
    keys = [(item.path + "/" * item.is_dir).encode() for item in found]
    assert keys == sorted(keys)


@given(parts=st.lists(files(max_size=30), max_size=5))
def test_rows_merge_as_dicts_do_and_survive_encoding(
    parts: list[Files],
) -> None:
    many = [Rows.from_entries(part.items()) for part in parts]

    merged = merge_rows(many)

    expected: Files = {}
    for part in parts:
        expected |= part
    assert dict(merged.entries()) == expected
    assert merged.paths == sorted(merged.paths)
    assert Rows.decode(merged.encode()) == merged
    assert Rows.from_cells(merged.paths, list(merged.cells())) == merged


@given(
    content=files(),
    chooser=st.randoms(use_true_random=False),
    step=edits(),
    at_once=st.integers(1, 40),
)
def test_edits_range_by_range_equal_those_at_once(
    storage: Storage,
    content: Files,
    chooser: random.Random,
    step: tuple[tuple[str, ...], Files],
    at_once: int,
) -> None:
    base = build(storage, content)
    puts = step[1]
    gone = chooser.sample(sorted(content), len(content) // 2)
    expected = {path: entry for path, entry in content.items() if path not in gone} | puts

    with TreeEdits(room=500, at_once=at_once) as gathered:
        for path in gone:
            gathered.delete(path.encode())
        for path in chooser.sample(sorted(puts), len(puts)):
            gathered.put(Rows.from_entries([(path, puts[path])]))
        tree = gathered.apply(storage, base)

        assert gathered.apply(storage, base) == tree

    assert tree == build(storage, expected)


def _seen(content: Files) -> dict[str, tuple[bytes, bool]]:
    return {path: (entry.digest, entry.executable) for path, entry in content.items()}
