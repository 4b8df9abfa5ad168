"""A draft: ordered changes, the last one wins, nothing visible."""

import io
import os
from pathlib import Path

import pytest

from pfs_provider.errors import NotFoundError, RefusedError
from pfs_provider.refs.paths import parse_path
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.stat_cache import StatCache
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from pfs_provider.versioning.drafts import Draft
from tests.pfs_world import PfsWorld
from tests.unit.storage.test_stat_cache import LateClock

A, B, D = parse_path("/a"), parse_path("/b"), parse_path("/d")


@pytest.fixture
def storage(world: PfsWorld) -> Storage:
    return world.storage


def _apply(storage: Storage, draft: Draft, base: TreeRef = EMPTY_TREE) -> TreeRef:
    tree = base
    for delta in draft.finish():
        tree = apply_changes(storage, tree, deletes=delta.deletes, rows=delta.rows)
    return tree


def _read(storage: Storage, tree: TreeRef) -> dict[str, bytes]:
    return {
        path: b"".join(read_entry(storage, entry)) for path, entry in iter_entries(storage, tree)
    }


def _tree(storage: Storage, **contents: bytes) -> TreeRef:
    draft = Draft(storage, EMPTY_TREE)
    for name, data in contents.items():
        draft.put_file(parse_path(f"/{name}"), data)
    return _apply(storage, draft)


def test_the_last_put_of_a_path_wins(storage: Storage) -> None:
    draft = Draft(storage, EMPTY_TREE)

    draft.put_file(A, b"1")
    draft.put_file(A, b"2")

    assert _read(storage, _apply(storage, draft)) == {"/a": b"2"}


def test_changes_keep_their_order(storage: Storage) -> None:
    base = _tree(storage, a=b"old", b=b"old")
    draft = Draft(storage, base)

    draft.put_file(A, b"new")
    draft.delete_file(A)
    draft.delete_file(B)
    draft.put_file(B, b"new")

    assert _read(storage, _apply(storage, draft, base)) == {"/b": b"new"}


def test_a_delete_takes_all_below_a_directory(storage: Storage) -> None:
    draft = Draft(storage, EMPTY_TREE)
    draft.put_file(parse_path("/d/x"), b"1")
    draft.put_file(parse_path("/d/y/z"), b"2")
    draft.put_file(parse_path("/dd"), b"3")

    draft.delete_file(D)

    assert _read(storage, _apply(storage, draft)) == {"/dd": b"3"}


def test_deleting_the_root_empties(storage: Storage) -> None:
    base = _tree(storage, a=b"1", b=b"2")
    draft = Draft(storage, base)

    draft.delete_file(parse_path("/"))

    assert _apply(storage, draft, base) == EMPTY_TREE


def test_what_is_not_there_cannot_be_deleted(storage: Storage) -> None:
    base = _tree(storage, a=b"1")
    draft = Draft(storage, base)
    draft.delete_file(A)

    with pytest.raises(NotFoundError, match="/a"):
        draft.delete_file(A)


def test_an_append_continues_what_the_base_holds(storage: Storage) -> None:
    base = _tree(storage, a=b"one ")
    draft = Draft(storage, base)

    draft.put_file(A, b"two ", append=True)
    draft.put_file(A, io.BytesIO(b"three"), append=True)
    draft.put_file(B, b"new", append=True)

    assert _read(storage, _apply(storage, draft, base)) == {"/a": b"one two three", "/b": b"new"}


def test_an_append_after_a_delete_begins_anew(storage: Storage) -> None:
    base = _tree(storage, a=b"old")
    draft = Draft(storage, base)
    draft.delete_file(A)

    draft.put_file(A, b"new", append=True)

    assert _read(storage, _apply(storage, draft, base)) == {"/a": b"new"}


def test_large_files_are_appended_to_without_other_bytes(storage: Storage) -> None:
    large = os.urandom(3 << 20)
    base = _tree(storage, a=large)
    draft = Draft(storage, base)

    draft.put_file(A, b"end", append=True)

    assert _read(storage, _apply(storage, draft, base)) == {"/a": large + b"end"}


def test_appends_tell_what_they_were_made_to(storage: Storage) -> None:
    base = _tree(storage, a=b"old")
    draft = Draft(storage, base)

    draft.put_file(A, b"x", append=True)
    draft.put_file(B, b"x", append=True)

    assert [*draft.appended] == ["/a", "/b"]
    assert draft.appended[A] is not None
    assert draft.appended[B] is None


def test_a_copy_moves_no_bytes_and_takes_directories_whole(storage: Storage) -> None:
    other = _tree(storage, a=b"1", **{"d/x": b"2", "d/y": b"3"})
    before = len(list(storage.store.list("")))
    draft = Draft(storage, EMPTY_TREE)

    draft.copy_entries(B, other, A)
    draft.copy_entries(parse_path("/e/f"), other, D)
    deltas = draft.finish()

    assert len(list(storage.store.list(""))) == before
    assert [path for delta in deltas for path, _ in delta.rows.entries()] == [
        "/b",
        "/e/f/x",
        "/e/f/y",
    ]


def test_a_root_is_copied_below_a_path(storage: Storage) -> None:
    other = _tree(storage, a=b"1")
    draft = Draft(storage, EMPTY_TREE)

    draft.copy_entries(D, other, parse_path("/"))

    assert _read(storage, _apply(storage, draft)) == {"/d/a": b"1"}


def test_what_is_not_there_cannot_be_copied(storage: Storage) -> None:
    draft = Draft(storage, EMPTY_TREE)

    with pytest.raises(NotFoundError, match="/a"):
        draft.copy_entries(B, EMPTY_TREE, A)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_local_file_keeps_its_executable_bit(
    storage: Storage, tmp_path: Path, kind: type[str] | type[Path]
) -> None:
    source = tmp_path / "tool"
    source.write_bytes(b"#!/bin/sh\n")
    source.chmod(0o755)
    draft = Draft(storage, EMPTY_TREE)

    draft.put_file(A, kind(source))

    ((_, entry),) = iter_entries(storage, _apply(storage, draft))
    assert entry.executable


def test_a_folder_is_put_with_the_files_that_its_links_point_to(
    storage: Storage, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"1")
    (tmp_path / "in" / "link").symlink_to("file")
    seen: list[tuple[int, int]] = []
    draft = Draft(storage, EMPTY_TREE, progress=lambda n, size: seen.append((n, size)))

    draft.put_tree(D, tmp_path / "in")

    assert _read(storage, _apply(storage, draft)) == {"/d/file": b"1", "/d/link": b"1"}
    assert seen[-1] == (2, 2)


def test_what_is_put_over_a_folders_file_is_not_taken_for_the_file(
    storage: Storage, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"1")
    stats = StatCache(tmp_path / "cache", LateClock(), min_files=1)
    base = EMPTY_TREE
    for _ in range(2):
        draft = Draft(storage, base, stats=stats)
        draft.put_file(parse_path("/d/a"), b"before")
        draft.put_tree(D, tmp_path / "in")
        assert _read(storage, _apply(storage, draft, base)) == {"/d/a": b"1"}

        draft.put_file(parse_path("/d/a"), b"after")
        base = _apply(storage, draft, base)
        assert _read(storage, base) == {"/d/a": b"after"}


def test_a_folder_with_a_link_that_leads_out_is_refused_whole(
    storage: Storage, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"1")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    draft = Draft(storage, EMPTY_TREE)

    with pytest.raises(RefusedError, match="link"):
        draft.put_tree(D, tmp_path / "in")

    assert _apply(storage, draft) == EMPTY_TREE


def test_an_aborted_draft_forgets_what_was_put(storage: Storage) -> None:
    draft = Draft(storage, EMPTY_TREE)
    draft.put_file(A, b"1")

    draft.abort()

    assert draft.finish() == []
