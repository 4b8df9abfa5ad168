import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from pfs_provider.worker.scratch import LOCK, open_scratch

HOLD = """
import sys, time
from pathlib import Path
from pfs_provider.worker.scratch import open_scratch
with open_scratch(Path(sys.argv[1])) as folder:
    (folder / "staged").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def hold(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(parent)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        return process, Path(process.stdout.readline().strip())


def test_a_scratch_folder_goes_with_its_block(tmp_path: Path) -> None:
    with open_scratch(tmp_path / "scratch") as folder:
        (folder / "staged").write_bytes(b"x")

        assert folder.is_relative_to(tmp_path / "scratch")

    assert list((tmp_path / "scratch").iterdir()) == []


def test_without_a_parent_the_systems_temporary_folder_is_used() -> None:
    with open_scratch(None) as folder:
        assert folder.is_dir()

    assert not folder.exists()


def test_what_a_killed_worker_left_is_removed_by_the_next(tmp_path: Path) -> None:
    process, left = hold(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()

    with open_scratch(tmp_path) as mine:
        there = list(tmp_path.iterdir())

    assert there == [mine]
    assert not left.exists()


def test_a_living_workers_folder_is_let_be(tmp_path: Path) -> None:
    process, theirs = hold(tmp_path)
    try:
        with open_scratch(tmp_path):
            assert (theirs / "staged").exists()
    finally:
        process.kill()
        process.wait()


def test_a_folder_whose_lock_is_not_there_yet_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "worker-new").mkdir()

    with open_scratch(tmp_path):
        assert (tmp_path / "worker-new").exists()


def test_a_folder_is_locked_while_it_is_used(tmp_path: Path) -> None:
    with open_scratch(tmp_path) as folder:
        handle = os.open(folder / LOCK, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_locked = True
        finally:
            os.close(handle)

    assert is_locked
