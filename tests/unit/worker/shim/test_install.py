"""Preparing a pod's folders: from what, with which rights, and what is said where it cannot be."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.worker.shim.install import install, main
from tests.contract.shim_container import find_busybox


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    kept = os.umask(0o077)
    yield
    os.umask(kept)


def _mode(path: Path) -> str:
    return stat.filemode(path.lstat().st_mode)


def test_both_containers_may_use_what_is_made(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()

    code = main([str(tmp_path / "shim"), "--volume", str(volume), "--busybox", find_busybox()])

    shim = tmp_path / "shim"
    assert code == 0
    assert {str(path.relative_to(tmp_path)): _mode(path) for path in shim.rglob("*")} == {
        "shim/busybox": "-rwxr-xr-x",
        "shim/shim.sh": "-rw-r--r--",
        "shim/io": "drwxrwsr-x",
        "shim/io/alive": "prw-rw----",
        "shim/io/control": "prw-rw----",
        "shim/io/reply": "prw-rw----",
        "shim/tasks": "drwxrwsr-x",
    }
    assert _mode(volume / "datum") == "drwxrwsr-x"


def test_it_can_be_done_again(tmp_path: Path) -> None:
    for _ in range(2):
        install(tmp_path / "shim", busybox=[find_busybox()])

    said = subprocess.run(
        [tmp_path / "shim/busybox", "echo", "x"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "x\n"


def test_a_busybox_that_is_missing_is_told_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "shim"), "--busybox", "/no/busybox"]) == 1
    assert "there is no /no/busybox in this image: install" in capsys.readouterr().err


def test_a_busybox_that_needs_libraries_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamic = shutil.which("env") or sys.executable
    text = tmp_path / "text"
    text.write_text("#!/bin/sh\n")

    for path in (dynamic, str(text)):
        assert main([str(tmp_path / "shim"), "--busybox", path]) == 1
        assert f"{path} is not static" in capsys.readouterr().err
    arguments = [str(tmp_path / "shim"), "--busybox", dynamic, "--busybox", find_busybox()]
    assert main(arguments) == 0


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert main([str(tmp_path / "file/shim"), "--busybox", find_busybox()]) == 1
    assert "file/shim" in capsys.readouterr().err


def test_nothing_but_pythons_own_library_is_imported() -> None:
    program = (
        f"import sys; sys.path.append({str(Path.cwd())!r})\n"
        "import pfs_provider.worker.shim.install\n"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] == 'pfs_provider'\n"
        "    or m.partition('.')[0] not in sys.stdlib_module_names))\n"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )

    assert set(eval(done.stdout)) == {  # noqa: S307 - our own program's list
        "__main__", "pfs_provider", "pfs_provider.worker", "pfs_provider.worker.shim",
        "pfs_provider.worker.shim.install",
    }  # fmt: skip
