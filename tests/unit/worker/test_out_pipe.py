"""The pipe of a spout, with its committer."""

import threading
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.records import TarSpout
from pfs_provider.pfs import Pfs
from pfs_provider.worker.out_pipe import OutPipe
from tests.unit.worker.test_tar_stream import tar

THREADS = {"out-pipe", "commits"}


def subprocesses() -> str:
    """The processes that this one has started."""
    return "".join(path.read_text() for path in sorted(Path("/proc/self/task").glob("*/children")))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "pfs" / "out").mkdir(parents=True)
    with Pfs(home=tmp_path / "home") as pfs:
        pfs.create_repo("out")
    return tmp_path


def pipe(place: Path, told: list[str], *, marker: str = "") -> OutPipe:
    return OutPipe(
        root=place / "pfs",
        folder=place,
        spout=TarSpout(branch="out@master", marker=marker),
        client={
            "PFS_HOME": str(place / "home"),
            "PFS_STORE": str(place / "home" / "store"),
            "PFS_CATALOG": f"sqlite:///{place}/home/catalog.db",
        },
        clock=SystemClock(),
        tell=told.append,
    )


def test_all_that_was_written_is_committed_in_order_at_the_end(place: Path) -> None:
    told: list[str] = []
    with pipe(place, told) as out:
        out.open()
        for number in range(5):
            (place / "pfs" / "out").write_bytes(tar({"all": b"%d" % number}))

    with Pfs(home=place / "home") as pfs:
        assert pfs.read_file("out@master:/all") == b"01234"
        assert len(pfs.list_commits("out")) == 5
    assert told == []
    assert list(place.glob("*.tar")) == []
    assert not THREADS & {thread.name for thread in threading.enumerate()}


def test_a_pipe_that_nobody_writes_to_starts_nothing(place: Path) -> None:
    before = subprocesses()
    with pipe(place, []) as out:
        out.open()
        assert {thread.name for thread in threading.enumerate()} >= THREADS
        assert subprocesses() == before
    assert not THREADS & {thread.name for thread in threading.enumerate()}


def test_a_marker_that_cannot_be_fetched_is_one_clear_error(place: Path) -> None:
    (place / "home" / "catalog.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(UnavailableError) as error, pipe(place, [], marker="m") as out:
        out.open()
    assert error.value.code == ErrorCode.CATALOG_UNAVAILABLE
    assert "the marker of out@master cannot be fetched" in str(error.value)
