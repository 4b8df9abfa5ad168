import errno
import os
from pathlib import Path

import pytest

from pfs_provider.worker.executors.logs import LogWriter


def test_what_is_written_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n")

    with LogWriter(path) as log:
        log.write(b"a")
        log.write(b"b\n")

    assert path.read_bytes() == b"old\nab\n"
    assert log.n_dropped == 0


def test_a_log_of_just_the_limit_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"

    with LogWriter(path, max_bytes=4) as log:
        log.write(b"1234")

    assert path.read_bytes() == b"1234"


@pytest.mark.parametrize(("first", "shown"), [(b"12", b"123\n[log"), (b"1\n", b"1\n3\n[log")])
def test_a_cut_log_ends_with_a_line_of_its_own_that_counts_the_rest(
    tmp_path: Path, first: bytes, shown: bytes
) -> None:
    path = tmp_path / "log"

    with LogWriter(path, max_bytes=3) as log:
        log.write(first)
        log.write(b"345")
        log.write(b"67")

    assert path.read_bytes().startswith(shown)
    assert path.read_bytes().endswith(b"limit of a log is 3 bytes]\n")
    assert b" 4 more bytes" in path.read_bytes()
    assert log.n_dropped == 4


def test_a_full_disk_drops_output_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with LogWriter(tmp_path / "log") as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fail)
            log.write(b"abc")
        log.write(b"def")

    assert log.n_dropped == 6
    assert b"No space left" in (tmp_path / "log").read_bytes()
