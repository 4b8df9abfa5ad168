"""A commit in somebody else's pod: its files put there before, and what was written kept after.

    python -m pfs_provider.worker.mounts restore TREE FOLDER    in an init container
    python -m pfs_provider.worker.mounts keep FOLDER KEY        in a sidecar, ready before main

Both run in a container of their own, which alone has the store's credentials. ``keep`` waits for
SIGTERM, which a native sidecar gets when the others have ended, stores what is in FOLDER, and tells
its tree, or why there is none, in the object KEY. Knows the store, not the catalog.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pfs_provider import wiring
from pfs_provider.errors import PfsError
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.restore import restore_folder
from pfs_provider.storage.rows import merge_rows
from pfs_provider.storage.values import EMPTY_TREE, parse_tree_ref
from pfs_provider.worker.collecting import collect_output
from pfs_provider.worker.staging import OUT

__all__ = ["main", "restore", "store_output"]

ANYBODY = 0o777
"""User code may be any user; a pod is its own little machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    parsed = _parse(arguments)
    if parsed.verb == "keep":
        # Told to end is how it learns that the others have ended, so from the first moment on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        parsed.ready.touch()  # a signal before this would be lost: the kernel spares process 1
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    try:
        with wiring.open_worker_storage() as storage:
            if parsed.verb == "restore":
                restore(storage, parsed.tree, parsed.folder)
            else:
                store_output(storage, parsed.folder, parsed.key)
    except PfsError as error:
        sys.stderr.write(f"error: {error} [{error.code}]\n")
        return 1
    return 0


def restore(storage: Storage, tree: str, folder: Path) -> None:
    """Write a tree's files below a folder, and see to it that ``out`` beside it takes files.

    Args:
        storage: Where the tree is.
        tree: Its text.
        folder: ``<root>/<input>``.
    """
    restore_folder(storage, parse_tree_ref(tree), "/", folder)
    out = folder.parent / OUT
    out.mkdir(exist_ok=True)
    out.chmod(ANYBODY)


def store_output(storage: Storage, root: Path, key: str) -> None:
    """Store what is in ``<root>/out`` and tell its tree, or what is wrong with it.

    Args:
        storage: Where to.
        root: The folder that user code knows as ``/pfs``.
        key: The object that tells; the first one written counts.
    """
    writer = ContentWriter(storage)
    try:
        collect_output(writer, root)
        rows = merge_rows(writer.finish())
        tree = apply_changes(storage, EMPTY_TREE, deletes=(), rows=rows)
    except PfsError as error:
        writer.abort()
        storage.store.create(key, json.dumps({"error": f"{error} [{error.code}]"}).encode())
        raise
    storage.store.create(key, json.dumps({"tree": tree.text}).encode())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pfs-mounts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    putting = verbs.add_parser("restore")
    putting.add_argument("tree")
    putting.add_argument("folder", type=Path)
    keeping = verbs.add_parser("keep")
    keeping.add_argument("folder", type=Path)
    keeping.add_argument("key")
    keeping.add_argument("--ready", type=Path, required=True, help="made once it listens")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
