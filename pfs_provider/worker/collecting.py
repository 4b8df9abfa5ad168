"""Takes what user code left in ``/pfs/out``, as user code meant it.

A link into ``/pfs`` becomes the file or folder that it points to, with the links in there; a link
that leads anywhere else is refused, because it would carry files of this machine into a commit.
Invariant: no link is ever followed by the system, which would start at the root of this machine;
links are read here, one name after the other, with the task's folder as ``/pfs``.
"""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.storage.content import ContentWriter
from pfs_provider.worker.staging import OUT

__all__ = ["collect_output"]

MAX_LINKS = 40
"""Links followed for one name, as Linux does."""

NOWHERE, OUTSIDE, CIRCLE = "nowhere", "out of /pfs", "in a circle"

_SPECIAL = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_Place = tuple[str, ...]
"""A file or folder below ``/pfs``, by its names, none of them a link."""


def collect_output(writer: ContentWriter, root: Path) -> None:
    """Add the files below ``<root>/out`` to the writer's batch.

    Raises:
        RefusedError: ``source-illegal``: a link that leads out of ``/pfs``, a FIFO, a socket, a
            device or an unrepresentable name; the path is named.
    """
    _check_out(root)
    _Links(root).replace_all()
    writer.put_folder("/", root / OUT)


def _check_out(root: Path) -> None:
    """Refuse a link in the place of ``out``, which would be followed by the system."""
    try:
        mode = (root / OUT).lstat().st_mode
    except FileNotFoundError:
        mode = 0
    if not stat.S_ISDIR(mode):
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"/pfs/{OUT} is not a folder any more: leave it and write into it",
            path=f"/pfs/{OUT}",
        )


class _Links:
    """The links of one task's output."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def replace_all(self) -> None:
        """Put in the place of every link below ``out`` what it points to."""
        _open_up(self._root / OUT)
        for folder, names, files in os.walk(self._root / OUT):
            here = Path(folder).relative_to(self._root).parts
            for name in [*names, *files]:
                path = Path(folder) / name
                if not path.is_symlink():
                    _check_kind(path, (*here, name))
                    _open_up(path)
                    continue
                place = self._follow((*here, name))
                path.unlink()
                self._copy(place, path, shown=_show((*here, name)), inside=_above(here))

    def _follow(self, link: _Place) -> _Place:
        """Return what a link points to, with the task's folder as ``/pfs``."""
        here, todo = list(link[:-1]), [link[-1]]
        n_links = 0
        while todo:
            name = todo.pop(0)
            if name == "..":
                if not here:
                    _refuse(_show(link), OUTSIDE)
                here.pop()
                continue
            path = self._root.joinpath(*here, name)
            if not path.is_symlink():
                if not os.path.lexists(path):
                    _refuse(_show(link), NOWHERE)
                here.append(name)
                continue
            n_links += 1
            to = str(path.readlink())
            names = [part for part in to.split("/") if part not in {"", "."}]
            if to.startswith("/"):
                if names[:1] != ["pfs"]:
                    _refuse(_show(link), OUTSIDE)
                here, names = [], names[1:]
            if n_links > MAX_LINKS:
                _refuse(_show(link), CIRCLE)
            todo = names + todo
        return tuple(here)

    def _copy(self, place: _Place, target: Path, *, shown: str, inside: frozenset[_Place]) -> None:
        """Make ``target`` what is at ``place``.

        Args:
            place: What to copy; no byte moves, for files get a second name.
            target: Does not exist.
            shown: The path of ``target`` as user code knows it.
            inside: Folders that hold the target, or are being copied: they cannot be in there.
        """
        source = self._root.joinpath(*place)
        mode = source.lstat().st_mode
        if stat.S_ISREG(mode):
            _open_up(source)
            _name_twice(source, target)
        elif not stat.S_ISDIR(mode):
            _refuse(shown, f"to {_SPECIAL.get(stat.S_IFMT(mode), 'something else')}, not a file")
        elif place in inside:
            _refuse(shown, CIRCLE)
        else:
            _open_up(source)
            target.mkdir()
            inside |= _above(place)
            for child in sorted(source.iterdir()):
                below = (*place, child.name)
                self._copy(
                    self._follow(below) if child.is_symlink() else below,
                    target / child.name,
                    shown=f"{shown}/{child.name}",
                    inside=inside,
                )


def _name_twice(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not every file system has second names
        shutil.copy2(source, target)


def _above(place: _Place) -> frozenset[_Place]:
    """Return a folder and all that it lies in."""
    return frozenset(place[:n] for n in range(len(place) + 1))


def _show(place: _Place) -> str:
    return "/".join(("/pfs", *place))


def _open_up(path: Path) -> None:
    """Give the worker the rights that user code took away; what is no file or folder stays."""
    mode = path.lstat().st_mode
    wanted = 0o700 if stat.S_ISDIR(mode) else 0o400
    if (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) and mode & wanted != wanted:
        with suppress(PermissionError):  # another user's, whose executor has opened it up already
            path.chmod(stat.S_IMODE(mode) | wanted)


def _check_kind(path: Path, place: _Place) -> None:
    """Refuse what is neither file nor folder by the path that user code knows, not the worker's."""
    kind = _SPECIAL.get(stat.S_IFMT(path.lstat().st_mode))
    if kind is not None:
        shown = _show(place)
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{shown} cannot be stored: it is {kind}, not a file: remove it before the end, "
            "or make it outside of /pfs/out",
            path=shown,
        )


def _refuse(shown: str, whither: str) -> NoReturn:
    raise RefusedError(
        ErrorCode.SOURCE_ILLEGAL,
        f"{shown} is a link that leads {whither}: write a file instead",
        path=shown,
    )
