"""What a task is in the words of the shim, and that a shell reads it back to the letter."""

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.shim_script import parse_environment, render_script
from tests.contract.shim_container import find_busybox

TEXT = st.text(st.characters(exclude_characters="\0", max_codepoint=0x2FF), max_size=20)
NAME = st.text(st.characters(exclude_characters="\0=", max_codepoint=0x2FF), min_size=1, max_size=9)
SHOW = b"""
enter() { printf 'enter\\0%s\\0' "$@"; }
look_up() { printf 'look_up\\0%s\\0%s\\0' "$@"; found=FOUND; }
start() { printf 'start\\0'; [ $# = 0 ] || printf '%s\\0' "$@"; }
"""
SHOW_QUIETLY = b"""
start_quietly() { printf 'quietly\\0'; [ $# = 0 ] || printf '%s\\0' "$@"; }
"""


def _read(script: bytes) -> list[str]:
    """Return what the three functions are called with, as a shell understands the script."""
    done = subprocess.run(
        [find_busybox(), "sh"], input=SHOW + script, capture_output=True, check=True
    )
    assert done.stderr == b""
    return done.stdout.decode(errors="surrogateescape").split("\0")[:-1]


def test_a_script_enters_looks_up_and_starts() -> None:
    script = render_script(("tool", "a b"), {"PATH": "/x:/y", "in": "1"}, working_dir="/w")

    assert script == (
        b"enter '/w'\nlook_up 'tool' '/x:/y'\nstart 'PATH=/x:/y' 'in=1' \"$found\" 'a b'\n"
    )


def test_without_a_working_dir_or_a_path_nothing_is_made_up() -> None:
    assert render_script(("t",), {}, working_dir=None) == b"look_up 't' ''\nstart \"$found\"\n"


@given(
    cmd=st.lists(TEXT, min_size=1, max_size=4),
    env=st.dictionaries(NAME, TEXT, max_size=4),
    folder=st.one_of(st.none(), TEXT),
)
def test_a_shell_reads_every_word_to_the_letter(
    cmd: list[str], env: dict[str, str], folder: str | None
) -> None:
    said = _read(render_script(cmd, env, working_dir=folder))

    entered = [] if folder is None else ["enter", folder]
    variables = [f"{name}={value}" for name, value in env.items()]
    looked_up = ["look_up", cmd[0], env.get("PATH", "")]
    assert said == [*entered, *looked_up, "start", *variables, "FOUND", *cmd[1:]]


@given(
    env=st.dictionaries(NAME, TEXT, max_size=3),
    quiet=st.dictionaries(st.from_regex(r"[A-Z_][A-Z_0-9]{0,6}", fullmatch=True), TEXT, min_size=1),
)
def test_quiet_variables_are_exported_by_a_shell_of_their_own(
    env: dict[str, str], quiet: dict[str, str]
) -> None:
    names = {"PATH", "IFS", "OPTIND", "PPID", "RANDOM", "PS1", "PS2", "PS4", "LINENO", "SECONDS"}
    quiet = {f"Q_{name}": value for name, value in quiet.items() if name not in names}
    env = {name: value for name, value in env.items() if name not in quiet}
    script = render_script(("t",), {**env, **quiet}, working_dir=None, quiet=[*quiet, "absent"])

    said = _read(SHOW_QUIETLY + script)
    done = subprocess.run(
        [find_busybox(), "sh", "-c", 'quiet=yes; . "$1"', "sh", "/dev/stdin"],
        input=b"set -- env -0\n" + script,
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )

    variables = [f"{name}={value}" for name, value in env.items()]
    assert said == ["look_up", "t", env.get("PATH", ""), "quietly", *variables, "FOUND"]
    exported = parse_environment(done.stdout)
    assert {name: exported.get(name) for name in quiet} == quiet


def test_a_name_that_no_shell_can_hold_goes_the_usual_way() -> None:
    script = render_script(("t",), {"a-b": "1", "C": "2"}, working_dir=None, quiet=["a-b"])

    assert _read(script)[3:] == ["start", "a-b=1", "C=2", "FOUND"]


def test_every_byte_but_nul_arrives() -> None:
    every = os.fsdecode(bytes(range(1, 256)))

    assert _read(render_script(("t", every), {"A": every}, working_dir=None))[4:] == [
        f"A={every}", "FOUND", every,
    ]  # fmt: skip


@pytest.mark.parametrize(("cmd", "env"), [(("a\0",), {}), (("a", "\0"), {}), (("a",), {"A": "\0"})])
def test_a_nul_is_refused_with_the_command(cmd: tuple[str, ...], env: dict[str, str]) -> None:
    with pytest.raises(FailedError, match="NUL") as caught:
        render_script(cmd, env, working_dir=None)

    assert caught.value.code == ErrorCode.COMMAND_NOT_FOUND


def test_the_environment_of_a_process_is_read() -> None:
    data = b"PATH=/bin\0my-x=a=b\nc\0EMPTY=\0=odd\0without\0BYTE=\xff\0"

    assert parse_environment(data) == {
        "PATH": "/bin", "my-x": "a=b\nc", "EMPTY": "", "BYTE": "\udcff",
    }  # fmt: skip
    assert parse_environment(b"") == {}
