"""Takes what user code left in ``/pfs/out``, as user code meant it.

A link into ``/pfs`` becomes the file or folder that it points to, with the links in there: by
reference where that is an input's that user code left as it was, else by its bytes. A link that
leads anywhere else is refused, because it would carry files of this machine into a commit.
Invariant: no link is ever followed by the system, which would start at the root of this machine;
links are read here, one name after the other, with the task's folder as ``/pfs``.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.sources import FolderFiles, scan_folder
from pfs_provider.storage.values import Entry
from pfs_provider.worker.given import GivenFiles
from pfs_provider.worker.staging import OUT

__all__ = ["Output", "collect_output", "find_output"]

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


@dataclass(frozen=True, slots=True)
class Output:
    """What a task leaves: files, and names for what the store holds already."""

    files: FolderFiles
    references: Sequence[tuple[str, Entry]]

    @property
    def n_reference_bytes(self) -> int:
        """Bytes of what is not below ``out``, because it is in the store."""
        return sum(entry.size for _, entry in self.references)

    def moved(self, folder: Path) -> "Output":
        """Return the same output after its folder was renamed to this one."""
        place = os.fsencode(folder)
        # There are no links in it: each file is where its name says.
        sources = [place + b"/" + name for name in self.files.names]
        return replace(self, files=FolderFiles(self.files.names, sources))

    def taken(self, folder: Path) -> "Output":
        """Return the same output after its files were moved into new folders below this one.

        User code that lives on has the old folders open, and could put links in the place of files.
        """
        moved = self.moved(folder)
        for source, target in zip(self.files.sources, moved.files.sources, strict=True):
            place = Path(os.fsdecode(target))
            place.parent.mkdir(parents=True, exist_ok=True)
            Path(os.fsdecode(source)).rename(place)
        return moved

    def put(self, writer: ContentWriter) -> None:
        """Add it to the writer's batch."""
        writer.put_files("/", self.files)
        for path, entry in self.references:
            writer.put_entry(path, entry)


def collect_output(writer: ContentWriter, root: Path, given: GivenFiles | None = None) -> None:
    """Add the files below ``<root>/out`` to the writer's batch.

    Args:
        writer: Whose.
        root: The task's folder.
        given: The task's inputs: links to them are taken by reference. None: by their bytes.

    Raises:
        RefusedError: ``source-illegal``: a link that leads out of ``/pfs``, a FIFO, a socket, a
            device, a moved placeholder or an unrepresentable name; the path is named.
    """
    find_output(root, given).put(writer)


def find_output(root: Path, given: GivenFiles | None = None) -> Output:
    """Return what is below ``<root>/out``, after which no link is left there.

    Raises:
        RefusedError: As ``collect_output``.
    """
    _check_out(root)
    links = _Links(root, given)
    links.replace_all()
    return Output(scan_folder(root / OUT), links.references)


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

    def __init__(self, root: Path, given: GivenFiles | None) -> None:
        self._root = root
        self._given = given
        self._copies: list[tuple[_Place, Path]] = []
        self.references: list[tuple[str, Entry]] = []

    def replace_all(self) -> None:
        """Put in the place of every link below ``out`` what it points to, unless the store has it.

        Nothing is changed before all is known: a link may lead to another one.
        """
        _open_up(self._root / OUT)
        links = self._find_all()
        for link in links:
            self._take(self._follow(link), link, inside=_above(link[:-1]))
        for link in links:
            self._root.joinpath(*link).unlink()
        for place, source in self._copies:
            target = self._root.joinpath(*place)
            target.parent.mkdir(parents=True, exist_ok=True)
            _name_twice(source, target)

    def _find_all(self) -> list[_Place]:
        links: list[_Place] = []
        for folder, names, files in os.walk(self._root / OUT):
            here = Path(folder).relative_to(self._root).parts
            for name in [*names, *files]:
                path = Path(folder) / name
                info = path.lstat()
                if stat.S_ISLNK(info.st_mode):
                    links.append((*here, name))
                    continue
                _check_kind(info, (*here, name))
                if self._given is not None:
                    self._given.check_own((*here, name), info)
                _open_up(path)
        return links

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

    def _take(self, place: _Place, target: _Place, *, inside: frozenset[_Place]) -> None:
        """Note that ``target`` is to become what is at ``place``.

        Args:
            place: What to take; no byte moves, for files get a second name.
            target: Nothing but the link itself is there.
            inside: Folders that hold the target, or are being taken: they cannot be in there.
        """
        source = self._root.joinpath(*place)
        info = source.lstat()
        if stat.S_ISREG(info.st_mode):
            _open_up(source)
            entry = None if self._given is None else self._given.find(place, info)
            if entry is None:
                self._copies.append((target, source))
            else:
                self.references.append((_stored_path(target), entry))
        elif not stat.S_ISDIR(info.st_mode):
            kind = _SPECIAL.get(stat.S_IFMT(info.st_mode), "something else")
            _refuse(_show(target), f"to {kind}, not a file")
        elif place in inside:
            _refuse(_show(target), CIRCLE)
        else:
            _open_up(source)
            inside |= _above(place)
            for child in sorted(source.iterdir()):
                below = (*place, child.name)
                self._take(
                    self._follow(below) if child.is_symlink() else below,
                    (*target, child.name),
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


def _stored_path(place: _Place) -> str:
    """Return the path of what is below ``out``; its names may be no text at all."""
    path = "/" + "/".join(place[1:])
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(_show(place)).decode(errors="backslashreplace")
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{shown} cannot be stored: its name is not UTF-8",
            path=shown,
        ) from None
    return path


def _check_kind(info: os.stat_result, place: _Place) -> None:
    """Refuse what is neither file nor folder by the path that user code knows, not the worker's."""
    kind = _SPECIAL.get(stat.S_IFMT(info.st_mode))
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
