import io
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pfs_provider.cli.progress import JobBars, bytes_bar, count_bytes, is_watched
from pfs_provider.infos import JobInfo

AT = datetime(2026, 1, 2, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test itself: pytest gives stderr back between a fixture and its test."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    return made


def job(state: str, processed: int) -> JobInfo:
    return JobInfo(
        id="1" * 32, project="default", pipeline="edges", version=1, output_commit="", reason="",
        state=state, created=AT, started=AT, finished=None, total=3, processed=processed,
        skipped=1, recovered=0, failed=0,
    )  # fmt: skip


def test_nobody_watches_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    with bytes_bar("put", lambda: pytest.fail("not needed")) as tell, JobBars() as bars:
        bars.tell(job("running", 1))

    assert not is_watched()
    assert tell is None


def test_a_terminal_sees_files_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)

    with bytes_bar("put", lambda: 10) as tell:
        assert tell is not None
        tell(2, 5)

    assert "put 2 files" in terminal.getvalue()


def test_a_terminal_sees_each_jobs_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)

    with JobBars() as bars:
        bars.tell(job("running", 1))
        bars.tell(job("success", 2))

    assert "edges@11111111 success 2 + 1 / 3" in terminal.getvalue()


def test_bytes_below_a_folder_are_counted(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b").write_bytes(b"bb")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")

    assert count_bytes([str(tmp_path)]) == 2
