"""Any store that obstore speaks: local folders, S3 and compatible, GCS, Azure.

Invariants: ``create`` never overwrites; obstore's own retries are on, nothing is retried here.
A local object appears by hard link of a finished file, so it is never torn under its name.
Must not know: what the objects hold.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from pfs_provider.storage.stores.faults import (
    CLIENT_ERRORS,
    is_range_error,
    read_error,
    write_error,
)
from pfs_provider.storage.stores.port import Data, ObjectInfo, Traits

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore as Backend

__all__ = ["ObstoreClient"]

_DELETE_BATCH = 1000
"""Keys; the most that one S3 request takes."""


class ObstoreClient:
    """An ObjectStore over one obstore backend.

    Args:
        backend: The obstore store, with its prefix.
        traits: What it can; ``folder`` is set for local folders only.
        sync: Force every object of a local folder to disk before it counts as stored.
    """

    def __init__(self, backend: "Backend", *, traits: Traits, sync: bool = False) -> None:
        self._backend = backend
        self._traits = traits
        self._sync = sync and traits.folder is not None

    @property
    def traits(self) -> Traits:
        """What this store can and is."""
        return self._traits

    def create(self, key: str, data: Data) -> bool:
        """Store an object if there is none of that name; return whether this call made it."""
        try:
            obstore.put(self._backend, key, data, mode="create", use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            return False
        except CLIENT_ERRORS as error:
            raise write_error(error, name=self._traits.name, key=key) from error
        self._force(key)
        return True

    def replace(self, key: str, data: Data) -> None:
        """Store an object over whatever is there, whole."""
        try:
            obstore.put(self._backend, key, data, mode="overwrite", use_multipart=False)
        except CLIENT_ERRORS as error:
            raise write_error(error, name=self._traits.name, key=key) from error
        self._force(key)

    def replace_in_parts(self, key: str, blocks: Iterator[bytes]) -> None:
        """Store an object over whatever is there, whole, without holding it.

        What ``blocks`` raises ends the call; the old object stays.
        """
        raised: list[BaseException] = []
        try:
            obstore.put(self._backend, key, _noted(blocks, raised), use_multipart=True)
        except CLIENT_ERRORS as error:
            if raised:
                raise raised[0] from None
            raise write_error(error, name=self._traits.name, key=key) from error
        self._force(key)

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object. Raises NotFoundError ``object-not-found``."""
        try:
            if stop is None and start == 0:
                return obstore.get(self._backend, key).bytes().to_bytes()
            if stop is None:
                tail = obstore.get(self._backend, key, options={"range": {"offset": start}})
                return tail.bytes().to_bytes()
            if start >= stop:
                obstore.head(self._backend, key)
                return b""
            return obstore.get_range(self._backend, key, start=start, end=stop).to_bytes()
        except CLIENT_ERRORS as error:
            if start and is_range_error(error):
                return b""
            raise read_error(error, name=self._traits.name, key=key) from error

    def find(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if there is none."""
        try:
            return _info(obstore.head(self._backend, key))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise read_error(error, name=self._traits.name, key=key) from error
            return None
        except CLIENT_ERRORS as error:
            raise read_error(error, name=self._traits.name, key=key) from error

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the text, sorted by key."""
        folder = prefix.rpartition("/")[0]
        walk = self._walk_flat if self._traits.folder is None else self._walk_folders
        try:
            for info in walk(folder, prefix):
                if info.key.startswith(prefix):
                    yield info
        except CLIENT_ERRORS as error:
            raise read_error(error, name=self._traits.name, key=prefix) from error

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""
        batch: list[str] = []
        for key in keys:
            batch.append(key)
            if len(batch) == _DELETE_BATCH:
                self._delete(batch)
                batch = []
        if batch:
            self._delete(batch)

    def _delete(self, keys: Sequence[str]) -> None:
        if self._traits.folder is not None:
            for key in keys:  # a batch would stop at the first that is not there
                self._delete_now(key)
        else:
            self._delete_now(keys)

    def _delete_now(self, keys: str | Sequence[str]) -> None:
        try:
            obstore.delete(self._backend, keys)
        except FileNotFoundError:
            return
        except CLIENT_ERRORS as error:
            raise write_error(error, name=self._traits.name, key=str(keys)) from error

    def _walk_flat(self, folder: str, prefix: str) -> Iterator[ObjectInfo]:
        # S3, GCS and Azure list in key order; an offset just below the text skips what precedes it.
        offset = prefix[:-1] if len(prefix) > len(folder) + 1 else None
        pages = obstore.list(self._backend, prefix=folder or None, offset=offset)
        for page in pages:
            for meta in page:
                yield _info(meta)

    def _walk_folders(self, folder: str, prefix: str) -> Iterator[ObjectInfo]:
        # A local folder is listed unsorted: sort one level at a time, so that memory stays small.
        found = obstore.list_with_delimiter(self._backend, prefix=folder or None)
        entries: list[tuple[str, ObjectMeta | None]] = [
            (name + "/", None) for name in found["common_prefixes"]
        ]
        entries += [(meta["path"], meta) for meta in found["objects"]]
        for name, meta in sorted(entries, key=lambda entry: entry[0]):
            if meta is not None:
                yield _info(meta)
            elif name.startswith(prefix) or prefix.startswith(name):
                yield from self._walk_folders(name.rstrip("/"), prefix)

    def _force(self, key: str) -> None:
        if not self._sync or self._traits.folder is None:
            return
        path = self._traits.folder / key
        try:
            _fsync(path)
            _fsync(path.parent)
        except OSError as error:
            raise write_error(error, name=self._traits.name, key=key) from error


def _noted(blocks: Iterator[bytes], raised: list[BaseException]) -> Iterator[bytes]:
    """Yield the blocks; the client would tell their error as one of its own."""
    try:
        yield from blocks
    except BaseException as error:
        raised.append(error)
        raise


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _info(meta: "ObjectMeta") -> ObjectInfo:
    return ObjectInfo(key=meta["path"], size=meta["size"], modified=meta["last_modified"])
