"""A task in the words of the shim: the small script that its process reads before it becomes it.

Invariants: pure; whatever bytes a command, a variable or a folder has, they arrive as they are. A
quiet variable is in no process's arguments, which every user of the machine can read.
The functions that a script calls are in worker/shim/shim.sh. Must not know: FIFOs.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from pfs_provider.errors import ErrorCode, FailedError

__all__ = ["parse_environment", "render_script"]

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def render_script(
    cmd: Sequence[str],
    env: Mapping[str, str],
    *,
    working_dir: str | None,
    quiet: Collection[str] = (),
) -> bytes:
    """Return the script that starts a command.

    Args:
        cmd: The command and its arguments.
        env: Its whole environment; its PATH is where the command is looked for.
        working_dir: Where it starts; None for where the image does.
        quiet: Variables whose values only the command is to see, as far as a shell can hold their
            names.

    Raises:
        FailedError: ``command-not-found``: a NUL, which no process can be given.
    """
    name, *arguments = cmd
    kept = {key for key in quiet if key in env and _SHELL_NAME.fullmatch(key)}
    variables = [f"{key}={value}" for key, value in env.items() if key not in kept]
    lines = [] if working_dir is None else [f"enter {_quote(working_dir)}"]
    lines.append(f"look_up {_quote(name)} {_quote(env.get('PATH', ''))}")
    words = [*map(_quote, variables), '"$found"', *map(_quote, arguments)]
    if kept:
        exports = [f"export {key}={_quote(env[key])}" for key in sorted(kept)]
        # The same file is read once more, by a shell without any variable but these.
        lines = ['if [ "$quiet" = yes ]; then', *exports, 'exec "$@"', "fi", *lines]
    lines.append(f"{'start_quietly' if kept else 'start'} {' '.join(words)}")
    text = "".join(f"{line}\n" for line in lines)
    if "\0" in text:
        raise FailedError(
            ErrorCode.COMMAND_NOT_FOUND,
            f"command {name!r} cannot be run: it or its environment has a NUL character",
            command=name,
        )
    return text.encode(errors="surrogateescape")


def parse_environment(data: bytes) -> dict[str, str]:
    """Return the variables of a process from what its ``/proc/<pid>/environ`` holds."""
    entries = data.decode(errors="surrogateescape").split("\0")
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, equals, value in pairs if name and equals}


def _quote(text: str) -> str:
    """Return text as one word of a shell. Everything but a quote stands for itself in quotes."""
    return "'" + text.replace("'", "'\\''") + "'"
