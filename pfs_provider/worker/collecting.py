"""Takes what user code left in ``/pfs/out``, as user code meant it.

A link into ``/pfs`` becomes the file it points to; a link that leads anywhere else is refused,
because it would carry files of this machine into a commit.
"""

import os
import shutil
from pathlib import Path

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.storage.content import ContentWriter
from pfs_provider.worker.staging import OUT

__all__ = ["collect_output"]

MAX_LINKS = 40
"""Links followed for one name, as Linux does."""


def collect_output(writer: ContentWriter, root: Path) -> None:
    """Add the files below ``<root>/out`` to the writer's batch.

    Raises:
        RefusedError: ``source-illegal``: a link that leads out of ``/pfs``, a FIFO, a socket, a
            device or an unrepresentable name; the path is named.
    """
    _resolve_links(root)
    writer.put_folder("/", root / OUT)


def _resolve_links(root: Path) -> None:
    for folder, names, files in os.walk(root / OUT):
        for name in [*names, *files]:
            link = Path(folder) / name
            if link.is_symlink():
                _replace(link, _follow(root, link))


def _replace(link: Path, target: Path) -> None:
    link.unlink()
    if target.is_dir():
        shutil.copytree(target, link, symlinks=False)
    else:
        shutil.copy2(target, link)


def _follow(root: Path, link: Path) -> Path:
    """Return the file or folder that a link points to, seen with ``root`` as ``/pfs``."""
    shown = "/pfs/" + str(link.relative_to(root))
    at = link
    for _ in range(MAX_LINKS):
        if not at.is_symlink():
            if _is_inside(at, root) and at.exists():
                return at
            break
        to = str(at.readlink())
        if to == "/pfs" or to.startswith("/pfs/"):
            at = root / to.removeprefix("/pfs").lstrip("/")
        elif to.startswith("/"):
            break
        else:
            at = Path(os.path.normpath(at.parent / to))
    raise RefusedError(
        ErrorCode.SOURCE_ILLEGAL,
        f"{shown} is a link that leads nowhere or out of /pfs: write a file instead",
        path=shown,
    )


def _is_inside(path: Path, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
