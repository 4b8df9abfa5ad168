from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.fallback import FallbackExecutor, point_at
from pfs_provider.worker.executors.port import Task


@pytest.mark.parametrize(
    ("text", "pointed"),
    [
        ("/pfs", "/real"),
        ("/pfs/out/x", "/real/out/x"),
        ("cp /pfs/in/* /pfs/out", "cp /real/in/* /real/out"),
        ("--in=/pfs/a", "--in=/real/a"),
        ("/bin:/pfs/tools:/usr/bin", "/bin:/real/tools:/usr/bin"),
        ("'/pfs'", "'/real'"),
        ("cd /pfs; ls", "cd /real; ls"),
        ("/pfs-home", "/home-of-task"),
        ("/data/pfs/x", "/data/pfs/x"),
        ("/pfs-old/x", "/pfs-old/x"),
        ("/pfs.txt", "/pfs.txt"),
        ("s3://pfs/x", "s3://pfs/x"),
        ("../pfs/x", "../pfs/x"),
        ("pfs/x", "pfs/x"),
    ],
)
def test_only_pfs_itself_is_pointed_elsewhere(text: str, pointed: str) -> None:
    task = Task(root=Path("/r"), cmd=(text,), env={"V": text}, log=Path("l"), stdin=(text,))

    found = point_at(task, "/real", "/home-of-task")

    assert found.cmd == found.stdin == (pointed,)
    assert found.env == {"V": pointed}


def test_a_working_dir_is_pointed_too() -> None:
    task = Task(root=Path("/r"), cmd=("x",), env={}, log=Path("l"), working_dir="/pfs/in")

    assert point_at(task, "/real", "/h").working_dir == "/real/in"


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def executor(notices: list[str]) -> Iterator[FallbackExecutor]:
    with FallbackExecutor("Forbidden.", clock=SystemClock(), say=notices.append) as executor:
        yield executor


def _task(root: Path, *cmd: str) -> Task:
    (root / "out").mkdir(parents=True, exist_ok=True)
    env = {"PATH": "/usr/bin:/bin", "HOME": "/pfs-home", "PFS_ROOT": "/pfs"}
    return Task(root=root, cmd=cmd, env=env, log=root.parent / "log")


def test_the_reason_and_what_is_done_instead_are_said_once(
    executor: FallbackExecutor, notices: list[str], tmp_path: Path
) -> None:
    assert notices == []

    for _ in range(2):
        executor.run(_task(tmp_path / "root", "true"))

    (notice,) = notices
    assert notice.startswith("Forbidden. ")
    assert "/pfs/" in notice
    assert "not hidden" in notice


def test_a_folder_whose_name_needs_quotes_still_works_in_a_shell(
    executor: FallbackExecutor, tmp_path: Path
) -> None:
    root = tmp_path / "it's a $folder"

    outcome = executor.run(_task(root, "sh", "-c", "echo $PFS_ROOT > /pfs/out/x; ls /pfs"))

    assert outcome.exit_code == 0
    assert (root / "out/x").exists()
    assert (tmp_path / "log").read_text() == "out\n"


def test_the_home_is_real_empty_and_gone_afterwards(
    executor: FallbackExecutor, tmp_path: Path
) -> None:
    executor.run(_task(tmp_path / "root", "sh", "-c", "pwd; echo $HOME; touch here; ls"))

    where, home, listed = (tmp_path / "log").read_text().splitlines()
    assert where == home
    assert listed == "here"
    assert not Path(home, "here").exists()
