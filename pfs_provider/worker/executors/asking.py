"""``/pfs/.next``: where a program that stays up asks for its next datum, and is answered.

Two FIFOs, a program for shells, the variables of the present datum; docs/internals/resident.md.
Invariants: nothing is written through a name that user code could have made a link; what an earlier
program left unread is never taken for this one's. Must not know: how the program was started.
"""

import os
import re
import select
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ENV", "NEXT", "Asked", "Asking"]

NEXT, ENV = ".next", ".env"
"""Names below ``/pfs``; no input may have them."""
ASK, ANSWER, VARIABLES = "ask", "answer", "variables"
PROGRAMS = ("pfs", "pachctl")
"""Names of the program for shells: Pachyderm's user code calls the second."""
_MAX_ASK_BYTES = 4096
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALL = 0o666
"""User code may be another user; nobody else gets to the folder."""
_SCRIPT = """\
#!{shell}
# {name} next datum [--error MESSAGE]: says how this datum went and waits for the next one.
here=${{0%/*}} me=${{0##*/}} said=next newline='
'
case "$1 $2" in
"next datum") shift 2 ;;
"next-datum "*) shift ;;
*)
  # Any other command is that of the program which the image has itself.
  set -f
  IFS=:
  for folder in $PATH; do
    [ "$folder" != "$here" ] && [ -x "$folder/$me" ] && exec "$folder/$me" "$@"
  done
  echo "$me: this image has no such program; here it can only: next datum [--error MESSAGE]" >&2
  exit 127
  ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
  --error=*) said="error ${{1#--error=}}" ;;
  --error) said="error $2" && shift ;;
  *) echo "usage: $me next datum [--error MESSAGE]" >&2 && exit 2 ;;
  esac
  shift
done
set -f
IFS=$newline
set -- $said
IFS=' '
printf '%.1000s\\n' "$*" >"$here/ask"
read -r answer <"$here/answer"
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program said of its datum: it is done, or an ``error``."""

    error: str | None


class Asking:
    """The folder of one program. One thread uses it, before and after the program's life.

    Args:
        root: The program's ``/pfs``; what an earlier program left in it is removed.
        sh: What runs the program for shells, as user code sees it.
    """

    def __init__(self, root: Path, *, sh: str) -> None:
        self._root = root
        self._rest = b""
        folder = root / NEXT
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
        else:
            shutil.rmtree(folder)
        folder.mkdir()
        folder.chmod(0o755)
        with ExitStack() as stack:
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            stack.callback(os.close, self._folder)
            self._ask, self._answer = (self._open_fifo(stack, name) for name in (ASK, ANSWER))
            self._open_files = stack.pop_all()
        for name in PROGRAMS:
            self._write(name, _SCRIPT.format(shell=sh, name=name).encode(), mode=0o755)

    def fileno(self) -> int:
        """Return what is readable when the program has asked."""
        return self._ask

    def take(self) -> Asked | None:
        """Return what the program asked, None if it has not."""
        with suppress(BlockingIOError):
            self._rest += os.read(self._ask, _MAX_ASK_BYTES)
        line, newline, _ = self._rest.partition(b"\n")
        if not newline and len(line) < _MAX_ASK_BYTES:
            return None
        self._rest = b""
        self._drain(self._answer)  # who waited for that has gone
        word, _, text = line.decode(errors="replace").strip().partition(" ")
        return Asked(text.strip() or "without a message" if word == "error" else None)

    def answer(self, datum: str, variables: Mapping[str, str]) -> None:
        """Let the program go on with a datum.

        Args:
            datum: Which, by its id.
            variables: What it gets besides its own environment.
        """
        data = "".join(f"{name}={value}\0" for name, value in variables.items())
        self._write(VARIABLES, data.encode(errors="surrogateescape"))
        self._drain(self._ask)  # two who asked for one datum get it together
        self._rest = b""
        os.write(self._answer, f"datum {datum}\n".encode())

    def write_env(self, variables: Mapping[str, str]) -> None:
        """Write the variables for shells, below ``/pfs``: those whose name a shell can hold."""
        lines = (
            f"export {name}={_quote(value)}\n"
            for name, value in variables.items()
            if _SHELL_NAME.fullmatch(name)
        )
        path = self._root / ENV
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o644), "wb") as file:
            file.write("".join(lines).encode(errors="surrogateescape"))

    def close(self) -> None:
        """Let go of the FIFOs. Idempotent."""
        self._open_files.close()

    def _open_fifo(self, stack: ExitStack, name: str) -> int:
        os.mkfifo(name, dir_fd=self._folder)
        descriptor = os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=self._folder)
        stack.callback(os.close, descriptor)
        os.fchmod(descriptor, _ALL)
        return descriptor

    def _write(self, name: str, data: bytes, *, mode: int = 0o644) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, mode, dir_fd=self._folder), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)

    @staticmethod
    def _drain(descriptor: int) -> None:
        while select.select([descriptor], [], [], 0)[0]:
            with suppress(BlockingIOError):
                os.read(descriptor, _MAX_ASK_BYTES)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
