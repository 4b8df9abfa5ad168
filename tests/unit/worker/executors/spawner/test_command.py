import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.worker.executors.spawner.command import (
    Identity,
    LaunchError,
    reap_until,
    start,
)

ENV = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(autouse=True)
def where_it_was() -> Iterator[None]:
    """Starting a command moves this process and changes its mask, as a first process may."""
    folder, mask = Path.cwd(), os.umask(0o022)
    yield
    os.chdir(folder)
    os.umask(mask)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[int, int]]:
    opened = (
        os.open(os.devnull, os.O_RDONLY),
        os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666),
    )
    yield opened
    for number in opened:
        os.close(number)


def test_a_command_gets_its_words_folder_and_environment(
    tmp_path: Path, files: tuple[int, int]
) -> None:
    script = 'echo "$0 $1 $A"; pwd'

    pid = start(
        ["sh", "-c", script, "x y", "ü"],
        ENV | {"A": "b"},
        str(tmp_path),
        files=files,
        identity=None,
    )

    assert os.waitstatus_to_exitcode(reap_until(pid)) == 0
    assert (tmp_path / "log").read_text() == f"x y ü b\n{tmp_path}\n"


@pytest.mark.parametrize(
    ("cmd", "cwd", "step", "code"),
    [
        ("nope", "/", "command", errno.ENOENT),
        ("", "/", "command", errno.ENOENT),
        ("/nope", "/", "command", errno.ENOENT),
        ("/", "/", "command", errno.EACCES),
        ("true", "/nope", "working-dir", errno.ENOENT),
    ],
)
def test_what_cannot_be_started_says_what_is_at_fault(
    files: tuple[int, int], cmd: str, cwd: str, step: str, code: int
) -> None:
    with pytest.raises(LaunchError) as caught:
        start([cmd], ENV, cwd, files=files, identity=None)

    assert (caught.value.step, caught.value.errno) == (step, code)


def test_a_later_folder_of_the_path_is_tried_when_an_earlier_file_cannot_run(
    tmp_path: Path, files: tuple[int, int]
) -> None:
    (tmp_path / "true").write_text("")

    pid = start(["true"], {"PATH": f"{tmp_path}:/usr/bin:/bin"}, "/", files=files, identity=None)

    assert os.waitstatus_to_exitcode(reap_until(pid)) == 0


def test_a_command_runs_as_another_user_and_this_process_stays_itself(
    tmp_path: Path, files: tuple[int, int]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user: run the tests with sudo")
    before = os.getresuid(), os.getresgid(), os.getgroups()

    nobody = Identity(65534, 65534, [65534])
    pid = start(
        ["grep", "-E", "^(Uid|Gid)", "/proc/self/status"], ENV, "/", files=files, identity=nobody
    )

    assert os.waitstatus_to_exitcode(reap_until(pid)) == 0
    assert set((tmp_path / "log").read_text().split()) == {"Uid:", "Gid:", "65534"}
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before
