"""The runner of pages itself: a page that lies must not pass."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.docs.pages import PageError, find_blocks, find_steps, matches, run_page

FENCE = "```"


def _run(tmp_path: Path, text: str) -> int:
    page = tmp_path / "page.md"
    page.write_text(text.replace("~~~", FENCE))
    folder = tmp_path / "folder"
    folder.mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return run_page(page, folder, {"PATH": path})


def test_commands_share_one_shell_and_its_folder(tmp_path: Path) -> None:
    first = "~~~console\n$ mkdir a; cd a\n$ x=7\n~~~\n"
    second = "~~~console\n$ echo $x $(basename $PWD)\n7 a\n~~~\n"

    assert _run(tmp_path, first + second) == 3


def test_a_continued_command_is_one_step(tmp_path: Path) -> None:
    text = "~~~console\n$ cat << END\n> one\n> END\none\n~~~\n"

    assert _run(tmp_path, text) == 1


def test_other_output_fails_and_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(PageError, match=r"page\.md:4: \$ echo b") as caught:
        _run(tmp_path, "\n~~~console\n$ echo a\n$ echo b\na\n~~~\n")

    assert "where the page says:\na" in str(caught.value)


def test_a_failing_command_fails_and_shows_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(PageError, match=r"ended with 3, not 0, and printed:\nwhy"):
        _run(tmp_path, "~~~console\n$ echo why; (exit 3)\n$ echo never\n~~~\n")


def test_an_exit_that_leaves_the_shell_fails(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="no exit code"):
        _run(tmp_path, "~~~console\n$ exit 0\n$ echo never\n~~~\n")


def test_an_announced_failure_is_fine(tmp_path: Path) -> None:
    assert _run(tmp_path, "<!-- exit: 3 -->\n~~~console\n$ true\n$ (exit 3)\n~~~\n") == 2


def test_an_announced_failure_that_does_not_come_fails(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="ended with 0, not 3"):
        _run(tmp_path, "<!-- exit: 3 -->\n~~~console\n$ true\n~~~\n")


def test_a_block_can_be_a_file(tmp_path: Path) -> None:
    file = '<!-- file: specs/a.json -->\n~~~json\n{"a": "$x"}\n~~~\n'
    reader = '~~~console\n$ cat specs/a.json\n{"a": "$x"}\n~~~\n'

    assert _run(tmp_path, file + reader) == 2


def test_a_python_block_is_a_program(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="ZeroDivisionError"):
        _run(tmp_path, "~~~python\n1 / 0\n~~~\n")


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    start = time.monotonic()

    with pytest.raises(PageError, match="ended with timeout"):
        _run(tmp_path, "<!-- timeout: 1 -->\n~~~console\n$ sleep 50 | cat\n~~~\n")

    assert time.monotonic() - start < 20


def test_what_runs_in_the_background_ends_with_the_page(tmp_path: Path) -> None:
    _run(tmp_path, "~~~console\n$ sleep 987 &\n$ echo $! > ../pid\n~~~\n")

    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_block_left_out_is_not_run(tmp_path: Path) -> None:
    assert (
        find_steps("<!-- not run: it would format the disk -->\n```console\n$ false\n```\n") == []
    )


def test_a_comment_counts_for_the_next_block_only() -> None:
    two = "<!-- exit: 3 -->\n```console\n$ a\n```\n```console\n$ b\n```\n"
    lost = "<!-- exit: 4 -->\ntext\n```sh\n```\n"

    assert [dict(block.marks) for block in find_blocks(two + lost)] == [{"exit": "3"}, {}, {}]


def test_a_block_in_a_list_loses_its_indent() -> None:
    (block,) = find_blocks("1. do\n\n   ```console\n   $ a\n     b\n   ```\n")

    assert block.text == "$ a\n  b\n"


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a", "a  \n\n", True),
        ("a", "b", False),
        ("a ... c", "a b b c", True),
        ("...\nz", "x\ny\nz", True),
        ("a\n...", "a", False),
        ("a\n...", "a\nb\nc", True),
        ("id " + "0" * 32, "id " + "ab" * 16, True),
        ("a.c", "abc", False),
    ],
)
def test_what_counts_as_the_same_output(expected: str, printed: str, *, same: bool) -> None:
    assert matches(expected, printed) is same
