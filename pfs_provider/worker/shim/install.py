"""Prepares what a pod's containers share: ``python -m pfs_provider.worker.shim.install FOLDER``.

It runs in the pod's first container, before the user's image and the worker. Invariants: nothing
but Python's own library is imported, because every pod waits for this; it can be run again on what
it has made. Must not know: the store, the job.
"""

import argparse
import os
import shutil
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["install", "main"]

BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")
SCRIPT = Path(__file__).with_name("shim.sh")
FIFOS = ("control", "reply", "alive")
DATUM = "datum"
_SHARED_FIFO = 0o660
_SHARED_FOLDER = 0o2775
_INTERPRETED = 3
"""The ELF program header of a program that needs a dynamic linker, which the image may not have."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the folders and return the exit code."""
    parser = argparse.ArgumentParser(prog="pfs-shim-install", description=__doc__)
    parser.add_argument("folder", help="what the user container sees as /pfs-shim")
    parser.add_argument("--volume", help="whose folder 'datum' the user container sees as /pfs")
    parser.add_argument("--busybox", action="append", help="where a static one is looked for")
    parsed = parser.parse_args(arguments)
    try:
        install(Path(parsed.folder), busybox=parsed.busybox or BUSYBOX)
        if parsed.volume is not None:
            _share_folder(Path(parsed.volume, DATUM))
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def install(folder: Path, *, busybox: Sequence[str] = BUSYBOX) -> None:
    """Make a folder what a shim and a worker expect.

    Args:
        folder: Made if need be. Its group is the one that both containers are in.
        busybox: Where a static busybox is looked for, in this order.

    Raises:
        OSError: There is no static busybox, or the folder cannot be written.
    """
    found = _find_static(busybox)
    os.umask(0o002)
    folder.mkdir(parents=True, exist_ok=True)
    _put(found, folder / "busybox", 0o755)
    _put(SCRIPT, folder / "shim.sh", 0o644)
    for name in ("io", "tasks"):
        _share_folder(folder / name)
    for name in FIFOS:
        path = folder / "io" / name
        if not path.is_fifo():
            path.unlink(missing_ok=True)
            os.mkfifo(path)
        path.chmod(_SHARED_FIFO)


def _put(source: Path, target: Path, mode: int) -> None:
    """Copy a file to its place at once: what runs may be the one that was there."""
    new = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, new)
    new.chmod(mode)
    new.rename(target)


def _share_folder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if folder.stat().st_mode & 0o7777 != _SHARED_FOLDER:
        folder.chmod(_SHARED_FOLDER)


def _find_static(candidates: Sequence[str]) -> Path:
    wrong = ""
    for name in candidates:
        path = Path(name)
        if path.is_file():
            if _is_static(path):
                return path
            wrong = f"{name} is not static, so it cannot run in another image: "
    missing = f"there is no {' or '.join(candidates)} in this image: "
    raise OSError((wrong or missing) + "install Debian's package busybox-static in it")


def _is_static(program: Path) -> bool:
    """Return whether a program needs no dynamic linker, by its ELF header (64 bit)."""
    with program.open("rb") as file:
        head = file.read(64)
        if head[:5] != b"\x7fELF\x02":
            return False
        order = "<" if head[5] == 1 else ">"
        (start,) = struct.unpack_from(f"{order}Q", head, 32)
        size, count = struct.unpack_from(f"{order}HH", head, 54)
        file.seek(start)
        table = file.read(size * count)
    kinds = (struct.unpack_from(f"{order}I", table, size * n)[0] for n in range(count))
    return _INTERPRETED not in kinds


if __name__ == "__main__":
    sys.exit(main())
