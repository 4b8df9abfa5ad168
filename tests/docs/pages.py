"""Pages that run: find the blocks of a page, make one shell program of them, judge what came out.

The convention is described for writers in docs/how-to/write-a-page-that-runs.md.
Invariants: a page's commands run in order, in one shell, in the folder given; the first failure
ends the page; nothing that a page started is left when run_page returns.
"""

import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w+-]*)[^\n`]*$")
COMMENT = re.compile(r"^\s*<!--\s*(?P<name>file|exit|not run|timeout):\s*(?P<value>.+?)\s*-->\s*$")
ID = re.compile(r"\b[0-9a-f]{32}\b")
DEFAULT_TIMEOUT_S = 60


_WATCH = """\
( trap 'kill $!; exit' TERM
  sleep {timeout_s} & wait $!
  echo timeout > "$PAGE_RUN/{number}.rc"
  kill -KILL 0
) > /dev/null 2>&1 &
PAGE_WATCH=$!"""


class PageError(AssertionError):
    """A page does not do what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block with the comments that stand just before it. ``line`` is where it begins."""

    language: str
    text: str
    line: int
    marks: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command with what is expected of it; ``expected`` is None where any output is fine."""

    line: int
    command: str
    expected: str | None
    exit_code: int
    timeout_s: int


def find_blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in order, those in lists too."""
    marks: dict[str, str] = {}
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        if mark := COMMENT.match(line):
            marks[mark["name"]] = mark["value"]
        elif fence := FENCE.match(line):
            indent, body = len(fence["indent"]), []
            for _, inner in lines:
                if inner.strip() == fence["ticks"]:
                    break
                body.append(inner[indent:] if inner[:indent].isspace() or not indent else inner)
            else:
                raise PageError(f"line {number}: the block is never closed")
            joined = "".join(f"{each}\n" for each in body)
            yield Block(language=fence["language"], text=joined, line=number, marks=marks)
            marks = {}
        elif line.strip():
            marks = {}


def find_steps(text: str) -> list[Step]:
    """Return what a page's blocks ask for, in order, as shell commands."""
    return [step for block in find_blocks(text) for step in _steps_of(block)]


def run_page(page: Path, folder: Path, environment: Mapping[str, str]) -> int:
    """Run a page in a folder and return how many steps it took.

    Raises:
        PageError: A command ended otherwise, took too long, or printed something else. The message
            names the page's line and shows the output.
    """
    steps = find_steps(page.read_text())
    with tempfile.TemporaryDirectory(prefix="page-run-") as run:
        output = _run_program(steps, folder, {**environment, "PAGE_RUN": run})
        for number, step in enumerate(steps):
            _judge(page, step, _result(Path(run), number, output))
    return len(steps)


def matches(expected: str, printed: str) -> bool:
    """Return whether the output is the expected one; ``...`` is anything, an id is any id."""
    wanted = _normal(expected)
    # A line that is only dots may also stand for no line at all.
    pieces = re.split(r"(?:^|(?<=\n))\.\.\.\n?$|\.\.\.", wanted)
    pattern = ".*".join(re.escape(piece) for piece in pieces)
    return re.fullmatch(pattern, _normal(printed), re.DOTALL) is not None


def _run_program(steps: list[Step], folder: Path, environment: dict[str, str]) -> str:
    """Run the steps and return what no step's own file caught: a complaint of the shell."""
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-c", _program(steps)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that all that the page started can be ended
    )
    try:
        output, _ = shell.communicate(timeout=sum(step.timeout_s for step in steps) + 10)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        output, _ = shell.communicate()
    finally:
        _end_group(shell.pid)
    return output.decode(errors="replace")


def _steps_of(block: Block) -> list[Step]:
    if "not run" in block.marks:
        return []
    exit_code = int(block.marks.get("exit", 0))
    timeout_s = int(block.marks.get("timeout", DEFAULT_TIMEOUT_S))
    found: list[tuple[int, str, str | None]]
    if "file" in block.marks:
        found = [(block.line, _write(block.marks["file"], block.text), None)]
    elif block.language == "console":
        found = list(_commands(block))
    elif block.language == "python":
        found = [(block.line, f"python - {_here_document(block.text)}", None)]
    else:
        return []
    last = len(found) - 1
    return [
        Step(
            line=line,
            command=command,
            expected=expected,
            exit_code=exit_code if number == last else 0,
            timeout_s=timeout_s,
        )
        for number, (line, command, expected) in enumerate(found)
    ]


def _commands(block: Block) -> Iterator[tuple[int, str, str | None]]:
    line, command, output = 0, "", ""
    for number, text in enumerate(block.text.splitlines(), block.line + 1):
        if text.startswith("$ "):
            if command:
                yield line, command, output or None
            line, command, output = number, text[2:], ""
        elif text.startswith(("> ", ">")) and command and not output:
            command += "\n" + text[2:]
        elif command:
            output += text + "\n"
        elif text.strip():
            raise PageError(f"line {number}: a console block begins with a line '$ command'")
    if command:
        yield line, command, output.strip("\n") or None


def _write(name: str, text: str) -> str:
    target = shlex.quote(name)
    return f'mkdir -p "$(dirname {target})" && cat > {target} {_here_document(text)}'


def _here_document(text: str) -> str:
    return f"<< 'END-OF-BLOCK'\n{text}END-OF-BLOCK"


def _program(steps: list[Step]) -> str:
    """Return one bash program: every step in the same shell, its output and exit code in files."""
    parts = ["set -o pipefail"]
    for number, step in enumerate(steps):
        out = f'"$PAGE_RUN/{number}.out"'
        # A watchdog, since a command in this shell itself cannot be run under timeout(1).
        parts.append(_WATCH.format(timeout_s=step.timeout_s, number=number))
        parts.append(f"{{\n{step.command}\n}} > {out} 2>&1")
        parts.append(f'echo $? > "$PAGE_RUN/{number}.rc"')
        parts.append("kill -TERM $PAGE_WATCH; wait $PAGE_WATCH 2> /dev/null")
        parts.append(f'[ "$(cat "$PAGE_RUN/{number}.rc")" = {step.exit_code} ] || exit 1')
    return "\n".join(parts)


def _result(run: Path, number: int, output: str) -> tuple[str, str]:
    code, out = run / f"{number}.rc", run / f"{number}.out"
    printed = out.read_text(errors="replace") if out.exists() else output
    return (code.read_text().strip() if code.exists() else "no exit code"), printed


def _judge(page: Path, step: Step, result: tuple[str, str]) -> None:
    code, printed = result
    where = f"{page.name}:{step.line}: $ {step.command}"
    if code != str(step.exit_code):
        raise PageError(
            f"{where}\nended with {code}, not {step.exit_code}, and printed:\n{printed}"
        )
    if step.expected is not None and not matches(step.expected, printed):
        raise PageError(f"{where}\nprinted:\n{printed}\nwhere the page says:\n{step.expected}")


def _normal(text: str) -> str:
    lines = [line.rstrip() for line in ID.sub("<id>", text).splitlines()]
    return "\n".join(lines).strip("\n")


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
