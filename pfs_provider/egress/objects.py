"""Copies files to an object store, each under its path.

Invariants: an object is there whole or not at all; what was there under the same name is replaced,
all else is left alone; memory does not grow with a file. Nothing is retried here but the client's
own requests. Must not know: what the files hold.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.stores.client import ObstoreClient
from pfs_provider.storage.stores.open import open_target
from pfs_provider.storage.values import Entry, TreeRef

__all__ = ["copy_files"]

_AT_ONCE = 4
_WHOLE_BYTES = 8 * 1024 * 1024
"""Up to this size a file is sent by one request, from memory."""


def copy_files(
    storage: Storage,
    tree: TreeRef,
    url: str,
    *,
    options: Mapping[str, str],
    check: Callable[[], None],
) -> None:
    """Copy all files of a tree below a URL.

    Args:
        storage: Where the tree lies.
        tree: The files.
        url: A folder or bucket, see storage/stores/open.py.
        options: Credentials.
        check: Called between files; what it raises ends the copying.

    Raises:
        RefusedError: ``store-url-illegal``.
        UnavailableError: The store does not answer, does not let us write, or is full. Some files
            may be there.
        UnknownOutcomeError: ``write-unknown``.
    """
    target = open_target(url, options=options)
    running: set[Future[None]] = set()
    # Not the storage's pool: it reads for these, and would wait for itself.
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pfs-egress") as pool:
        try:
            for path, entry in iter_entries(storage, tree):
                check()
                running.add(pool.submit(_copy, storage, entry, target, path.lstrip("/")))
                if len(running) >= 2 * _AT_ONCE:
                    running = _wait_for_one(running)
            while running:
                running = _wait_for_one(running)
        finally:
            for future in running:
                future.cancel()  # those that have begun are waited for: none writes later


def _wait_for_one(running: set[Future[None]]) -> set[Future[None]]:
    done, rest = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return rest


def _copy(storage: Storage, entry: Entry, target: ObstoreClient, key: str) -> None:
    blocks = read_entry(storage, entry)
    if entry.size <= _WHOLE_BYTES:
        target.replace(key, b"".join(blocks))
    else:
        target.replace_in_parts(key, blocks)
