"""The folder in which a program asks: what it holds, and what it is proof against."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.worker.executors.asking import Asked, Asking


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    asking = Asking(tmp_path, sh="/bin/sh")
    yield asking
    asking.close()


def say(root: Path, text: str) -> None:
    with (root / ".next/ask").open("wb", buffering=0) as ask:
        ask.write(text.encode())


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("next\n", Asked(None)),
        ("\n", Asked(None)),
        ("error no such edge\n", Asked("no such edge")),
        ("error\n", Asked("without a message")),
        ("next\nerror late\n", Asked(None)),
        ("x" * 4096, Asked(None)),
    ],
    ids=["next", "empty", "error", "no message", "two", "no line"],
)
def test_a_line_is_a_question(asking: Asking, tmp_path: Path, line: str, asked: Asked) -> None:
    say(tmp_path, line)

    assert asking.take() == asked
    assert asking.take() is None


def test_half_a_line_is_none_yet(asking: Asking, tmp_path: Path) -> None:
    say(tmp_path, "ne")

    assert asking.take() is None

    say(tmp_path, "xt\n")
    assert asking.take() == Asked(None)


def test_an_answer_that_nobody_took_is_not_the_next_ones(asking: Asking, tmp_path: Path) -> None:
    asking.answer("first", {})
    say(tmp_path, "next\n")
    asking.take()
    asking.answer("second", {})

    with (tmp_path / ".next/answer").open("rb", buffering=0) as answer:
        assert answer.read(100) == b"datum second\n"


def test_a_fresh_program_meets_nothing_of_the_one_before(asking: Asking, tmp_path: Path) -> None:
    say(tmp_path, "next\n")
    asking.close()

    fresh = Asking(tmp_path, sh="/bin/sh")

    assert fresh.take() is None
    fresh.close()


def test_variables_are_read_by_a_shell_to_the_letter(asking: Asking, tmp_path: Path) -> None:
    value = 'it\'s "$HOME" `x`\nand more \\'
    asking.write_env({"one": value, "no-shell-name": "x", "two": ""})

    said = subprocess.run(
        ["sh", "-c", '. ./.env; printf "%s|" "$one" "$two"'],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip

    assert said.stdout.decode() == f"{value}||"


def test_links_in_the_place_of_what_is_written_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("kept")
    root = tmp_path / "root"
    root.mkdir()
    (root / ".next").symlink_to(victim)
    (root / ".env").symlink_to(victim / "file")
    asking = Asking(root, sh="/bin/sh")
    (root / ".next/variables").symlink_to(victim / "file")
    (root / ".next").rename(root / "moved")
    (root / ".next").symlink_to(victim)

    asking.answer("id", {"one": "1"})
    asking.write_env({"one": "1"})

    assert list(victim.iterdir()) == [victim / "file"]
    assert (victim / "file").read_text() == "kept"
    assert (root / "moved/variables").read_bytes() == b"one=1\0"
    assert (root / ".env").read_text() == "export one='1'\n"
    asking.close()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["next"], 127, "no such program"),
        (["next", "datum", "more"], 2, "usage"),
        (["list", "repo"], 127, "no such program"),
    ],
)
def test_the_script_refuses_what_it_cannot_do(
    asking: Asking, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = subprocess.run(
        [str(tmp_path / ".next/pfs"), *words],
        check=False, capture_output=True, text=True, env={"PATH": "/nowhere"},
    )  # fmt: skip

    assert done.returncode == code
    assert said in done.stderr


def test_other_commands_go_to_the_images_own_program(asking: Asking, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "pachctl").write_text('#!/bin/sh\necho "own $*"\n')
    (own / "pachctl").chmod(0o755)

    said = subprocess.run(
        [str(tmp_path / ".next/pachctl"), "list", "a  b"],
        check=True, capture_output=True, text=True, env={"PATH": f"{tmp_path}/.next:{own}:/bin"},
    )  # fmt: skip

    assert said.stdout == "own list a  b\n"


def test_a_message_of_many_lines_is_one_question(asking: Asking, tmp_path: Path) -> None:
    asking.answer("id", {})

    process = subprocess.Popen(
        [str(tmp_path / ".next/pfs"), "next", "datum", "--error", "a\nb *\n\nc"]
    )
    try:
        while (asked := asking.take()) is None:
            pass
        asking.answer("id", {})
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()

    assert asked == Asked("a b * c")
