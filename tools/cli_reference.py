"""Writes docs/reference/cli.md from the command tree itself: ``python -m tools.cli_reference``.

A test compares the page with what would be written.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from pfs_provider.cli import main
from pfs_provider.cli.tree import app

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"

_Part = Any
"""A command or parameter of click, whose types moved into typer at 0.26: no name fits both."""

HEAD = """\
# The command line

This page is made from the program itself (`python -m tools.cli_reference`). Every `pfs VERB NOUN`
may also be written `pfs VERB-NOUN`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed: a job, a store, a service |
| 2 | usage: no such command or option |
| 3 | not found |
| 4 | conflict, or it exists already |
| 5 | refused: a malformed address, path, spec or setting |
| 130, 143 | ended by Ctrl-C, by SIGTERM |

An error is one line on standard error, `error: MESSAGE [CODE]`; warnings begin with `warning: `.
With `-o json` a command prints one object a line, with the fields of its noun and no others;
times are ISO 8601 in UTC with `Z`.
"""


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for path, command in sorted(_commands("pfs", typer.main.get_command(app))):
        parts += [f"## {path}\n", f"{command.help}\n"]
        usage = [path, *(_argument(one) for one in command.params if not _names(one)), "[OPTIONS]"]
        parts.append(f"```text\n{' '.join(usage)}\n```\n")
        rows = [_row(one) for one in command.params if one.name != "help"]
        if rows:
            parts.append("\n".join(["| | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _commands(path: str, command: _Part) -> Iterator[tuple[str, _Part]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from _commands(f"{path} {name}", one)


def _names(param: _Part) -> list[str]:
    return [name for name in (*param.opts, *param.secondary_opts) if name.startswith("-")]


def _argument(param: _Part) -> str:
    return str(param.metavar or param.name.upper())


def _row(param: _Part) -> str:
    names = " ".join(f"`{name}`" for name in _names(param)) or f"`{_argument(param)}`"
    text = (param.help or "").replace("|", "\\|")
    return f"| {names.replace('|', chr(92) + '|')} | {text} |"


if __name__ == "__main__":
    assert main.COMMANDS  # noqa: S101 - importing it is what registers the commands
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
