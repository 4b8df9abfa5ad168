"""Files to an object store."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.egress.objects import copy_files
from pfs_provider.errors import ConflictError, ErrorCode, PfsError, RefusedError
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.stores.open import open_target
from tests.services import StorePlace
from tests.unit.egress.conftest import MakeTree


def nothing() -> None:
    """The job is still wanted."""


FILES = {"/a": b"1", "/b/ä b%20.txt": b"2" * 100, "/b/empty": b"", "/large": os.urandom(9 << 20)}


def test_every_file_is_copied_under_its_path_and_nothing_else_is_touched(
    storage: Storage, make_tree: MakeTree, tmp_path: Path
) -> None:
    (tmp_path / "old").write_bytes(b"stays")
    (tmp_path / "a").write_bytes(b"is replaced")

    for _ in range(2):
        copy_files(storage, make_tree(FILES), tmp_path.as_uri(), options={}, check=nothing)

    found = {f"/{p.relative_to(tmp_path)}": p for p in tmp_path.rglob("*") if p.is_file()}
    assert {path: file.read_bytes() for path, file in found.items()} == FILES | {"/old": b"stays"}


@pytest.mark.minio
def test_a_bucket_gets_the_same(
    storage: Storage, make_tree: MakeTree, minio_store: StorePlace
) -> None:
    copy_files(
        storage, make_tree(FILES), minio_store.url, options=minio_store.options, check=nothing
    )

    target = open_target(minio_store.url, options=minio_store.options)
    assert {f"/{info.key}": target.read(info.key) for info in target.list("")} == FILES


@pytest.mark.minio
def test_a_bucket_that_is_missing_is_told_without_the_keys(
    storage: Storage, make_tree: MakeTree, minio_store: StorePlace
) -> None:
    url = f"s3://pfs-no-such-bucket/x?{minio_store.url.partition('?')[2]}"

    with pytest.raises(PfsError, match="pfs-no-such-bucket") as raised:
        copy_files(
            storage, make_tree({"/a": b"1"}), url, options=minio_store.options, check=nothing
        )
    assert minio_store.options["aws_secret_access_key"] not in str(raised.value)


def test_copying_ends_when_nobody_wants_it_any_more(
    storage: Storage, make_tree: MakeTree, tmp_path: Path
) -> None:
    def checks() -> Iterator[None]:
        yield from [None] * 3
        raise ConflictError(ErrorCode.LEASE_LOST, "gone")

    turn = checks()
    tree = make_tree({f"/{n:02}": b"x" for n in range(50)})

    with pytest.raises(ConflictError):
        copy_files(storage, tree, str(tmp_path), options={}, check=lambda: next(turn))
    assert len(list(tmp_path.iterdir())) <= 3


@pytest.mark.parametrize("url", ["memory://", "ftp://x/y", "relative"])
def test_what_is_no_target_is_refused(storage: Storage, make_tree: MakeTree, url: str) -> None:
    with pytest.raises(RefusedError) as raised:
        copy_files(storage, make_tree({}), url, options={}, check=nothing)
    assert raised.value.code == ErrorCode.STORE_URL_ILLEGAL
