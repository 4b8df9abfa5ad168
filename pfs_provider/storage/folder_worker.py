"""The second process: reads or writes small files of a folder for its parent.

Started by folder_helper.py as ``python -I -S folder_worker.py FD DIRECTORY…``: the descriptor of
shared memory, and where modules are found. Requests and answers are marshal records behind a u32
length, on standard input and output; it ends when its input does.
Must not know: anything of this project but the two modules it runs.
"""

import marshal
import mmap
import os
import sys
from collections.abc import Callable  # noqa: TC003  # starts faster than a guarded import
from typing import IO, Any

__all__ = ["main", "receive", "send"]


def send(stream: IO[bytes], message: tuple[Any, ...]) -> None:
    """Write one record."""
    body = marshal.dumps(message)
    stream.write(len(body).to_bytes(4, "little") + body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Any, ...] | None:
    """Read one record, None at the end or where the other side died."""
    header = stream.read(4)
    if len(header) < 4:  # noqa: PLR2004  # the length's own bytes
        return None
    size = int.from_bytes(header, "little")
    body = stream.read(size)
    if len(body) < size:
        return None
    message: tuple[Any, ...] = marshal.loads(body)  # noqa: S302  # our own parent or child
    return message


def main(arguments: list[str]) -> None:
    """Answer requests until there are no more."""
    shared = mmap.mmap(int(arguments[0]), 0)
    sys.path += arguments[1:]
    import folder_reader  # type: ignore[import-not-found]  # noqa: PLC0415  # lazy: found in its own folder
    import folder_writer  # type: ignore[import-not-found]  # noqa: PLC0415  # lazy: found in its own folder

    def read(sources: list[bytes], start: int, size: int) -> tuple[Any, ...]:
        with memoryview(shared) as view:
            digests, sizes, flags = folder_reader.read_files(sources, view[start : start + size])
        return digests, sizes, bytes(flags)

    def write(  # noqa: PLR0913, PLR0917  # one record's fields
        root: bytes,
        names: list[bytes],
        cells: tuple[bytes, bytes, bytes, bytes],
        pack: bytes,
        start: int,
        size: int,
        aside: bytes | None,
    ) -> tuple[Any, ...]:
        handle = os.open(pack, os.O_RDONLY)
        try:
            content = os.pread(handle, size, start)
        finally:
            os.close(handle)
        folder_writer.write_files(root, names, cells, content, start=start, aside=aside)
        return ()

    actions: dict[str, Callable[..., tuple[Any, ...]]] = {"read": read, "write": write}
    while (request := receive(sys.stdin.buffer)) is not None:
        action, *rest = request
        try:
            answer: tuple[Any, ...] = ("done", *actions[action](*rest))
        except OSError as error:
            answer = ("oserror", error.errno, error.strerror, error.filename)
        except folder_writer.CorruptFileError as error:
            answer = ("corrupt", error.args[0])
        send(sys.stdout.buffer, answer)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  # starts faster
    main(sys.argv[1:])
