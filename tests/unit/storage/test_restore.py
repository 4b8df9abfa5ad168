import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode, RefusedError
from pfs_provider.storage import folder_helper
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.restore import restore_file, restore_folder
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.tree import find_entry
from pfs_provider.storage.values import TreeRef

Put = Callable[[dict[str, bytes]], TreeRef]
CONTENT = {
    "/d/a": b"hello",
    "/d/e/b": b"",
    "/d/e/f/c": random.Random(1).randbytes(300_000),
    "/d/again": b"hello",
    "/d/large": random.Random(2).randbytes(3 << 20),
    "/other": b"x",
}


def tree_of(folder: Path) -> dict[str, bytes]:
    return {
        "/" + str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_comes_back_as_it_was(storage: Storage, put: Put, tmp_path: Path) -> None:
    tree = put(CONTENT)

    n_files = restore_folder(storage, tree, "/", tmp_path / "new" / "out")

    assert n_files == len(CONTENT)
    assert tree_of(tmp_path / "new" / "out") == CONTENT


def test_a_subfolder_comes_right_under_the_target(
    storage: Storage, put: Put, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []

    n_files = restore_folder(
        storage, put(CONTENT), "/d/e", tmp_path, progress=lambda n, size: told.append((n, size))
    )

    assert n_files == 2
    assert set(tree_of(tmp_path)) == {"/b", "/f/c"}
    assert told[-1] == (2, 300_000)


def test_files_that_are_there_are_replaced_and_others_stay(
    storage: Storage, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"old")
    (tmp_path / "mine").write_bytes(b"mine")

    restore_folder(storage, put(CONTENT), "/", tmp_path)

    assert tree_of(tmp_path) == CONTENT | {"/mine": b"mine"}


def test_executable_files_come_back_executable(storage: Storage, tmp_path: Path) -> None:
    writer = ContentWriter(storage)
    writer.put_bytes("/run", b"#!/bin/sh\n", executable=True)
    writer.put_bytes("/data", b"x")
    writer.put_bytes("/tool", bytes(2 << 20), executable=True)
    tree = build_tree(storage, writer.finish()[0])

    restore_folder(storage, tree, "/", tmp_path / "out")
    entry = find_entry(storage, tree, "/run")
    assert entry is not None
    restore_file(storage, entry, tmp_path / "run")

    modes = {name: os.access(tmp_path / "out" / name, os.X_OK) for name in ("run", "data", "tool")}
    assert modes == {"run": True, "data": False, "tool": True}
    assert os.access(tmp_path / "run", os.X_OK)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_link_in_the_target_is_never_written_through(
    storage: Storage, put: Put, tmp_path: Path, fresh: bool
) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (outside / "a").write_bytes(b"precious")
    if fresh:
        (out / "d").symlink_to(outside)
        with pytest.raises(RefusedError) as caught:
            restore_folder(storage, put(CONTENT), "/", out)
        assert caught.value.code == ErrorCode.TARGET_ILLEGAL
    else:
        (out / "a").symlink_to(outside / "a")
        restore_folder(storage, put(CONTENT), "/d", out)
        assert not (out / "a").is_symlink()
        assert (out / "a").read_bytes() == b"hello"

    assert (outside / "a").read_bytes() == b"precious"
    assert [path.name for path in outside.iterdir()] == ["a"]


def test_a_folder_where_a_file_has_to_be_is_refused(
    storage: Storage, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "a" / "x").mkdir(parents=True)

    with pytest.raises(RefusedError) as caught:
        restore_folder(storage, put(CONTENT), "/d", tmp_path)

    assert caught.value.code == ErrorCode.TARGET_ILLEGAL
    assert (tmp_path / "a" / "x").is_dir()
    assert not list(tmp_path.glob(".pfs-*"))


def test_a_target_that_cannot_be_made_is_refused(
    storage: Storage, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(RefusedError):
        restore_folder(storage, put(CONTENT), "/", tmp_path / "file" / "out")
    entry = find_entry(storage, put(CONTENT), "/other")
    assert entry is not None
    with pytest.raises(RefusedError):
        restore_file(storage, entry, tmp_path / "nothing" / "out")


@pytest.mark.parametrize("room", ["packs/", "chunks/"])
@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_damaged_bytes_never_become_a_file(
    storage: Storage, store: MemoryStore, put: Put, tmp_path: Path, room: str, damage: str
) -> None:
    tree = put(CONTENT)
    for key in [key for key in store.objects if key.startswith(room)]:
        if damage == "remove":
            store.delete([key])
        else:
            data = bytearray(store.objects[key])
            for at in range(5, len(data), 7):
                data[at] ^= 1
            store.objects[key] = bytes(data)

    with pytest.raises(CorruptDataError, match=r"/d/|chunk") as caught:
        restore_folder(storage, tree, "/", tmp_path / "out")

    assert caught.value.code == ErrorCode.CHUNK_CORRUPT
    assert all(CONTENT[path] == data for path, data in tree_of(tmp_path / "out").items())
    entry = find_entry(storage, tree, "/d/large" if room == "chunks/" else "/d/a")
    assert entry is not None
    with pytest.raises(CorruptDataError):
        restore_file(storage, entry, tmp_path / "single")
    assert not (tmp_path / "single").exists()
    assert not list(tmp_path.glob(".pfs-*"))


@pytest.mark.parametrize("n_processors", [1, 2])
@pytest.mark.parametrize("fresh", [True, False])
def test_many_files_come_back_by_one_or_two_processes(
    local_storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_processors: int,
    fresh: bool,
) -> None:
    monkeypatch.setattr(folder_helper, "MANY_FILES", 100)
    monkeypatch.setattr(folder_helper, "_n_processors", lambda: n_processors)
    content = {f"/{n % 7}/{n}": b"content %d" % (n // 2) * 20 for n in range(3000)}
    writer = ContentWriter(local_storage)
    for path, data in content.items():
        writer.put_bytes(path, data)
    tree = build_tree(local_storage, writer.finish()[0])
    if not fresh:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").write_bytes(b"")

    n_files = restore_folder(local_storage, tree, "/", tmp_path / "out")

    assert n_files == 3000
    assert tree_of(tmp_path / "out") == content | ({} if fresh else {"/mine": b""})


def test_the_second_process_tells_damage_by_path(
    local_storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_helper, "MANY_FILES", 100)
    monkeypatch.setattr(folder_helper, "_n_processors", lambda: 2)
    writer = ContentWriter(local_storage)
    for n in range(3000):
        writer.put_bytes(f"/{n}", random.Random(n).randbytes(100))
    tree = build_tree(local_storage, writer.finish()[0])
    for pack in (tmp_path / "store" / "packs").rglob("*/*"):
        data = bytearray(pack.read_bytes())
        for at in range(5, len(data) - 10_000, 60):
            data[at] ^= 1
        pack.write_bytes(data)

    with pytest.raises(CorruptDataError, match=r"^/\d+ is damaged"):
        restore_folder(local_storage, tree, "/", tmp_path / "out")
