from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.storage.stores.open import open_store


def test_a_local_object_is_a_file_named_by_its_key(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))

    store.create("a/b", b"x")

    assert (tmp_path / "a" / "b").read_bytes() == b"x"
    assert store.traits.folder == tmp_path


def test_forcing_to_disk_stores_the_same(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}?sync=true")

    assert store.create("a/b", b"x")
    assert not store.create("a/b", b"y")
    store.replace("c", b"z")

    assert (store.read("a/b"), store.read("c")) == (b"x", b"z")


def test_a_half_written_file_of_a_killed_writer_is_not_listed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.create("a/b", b"x")
    (tmp_path / "a" / "c#1").write_bytes(b"half")

    assert [info.key for info in store.list("a/")] == ["a/b"]
    assert store.create("a/c", b"whole")
    assert store.read("a/c") == b"whole"


def test_a_file_where_a_folder_has_to_be_is_told(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.create("a", b"x")

    with pytest.raises(UnavailableError) as caught:
        store.create("a/b", b"y")

    assert caught.value.code == ErrorCode.STORE_UNAVAILABLE
