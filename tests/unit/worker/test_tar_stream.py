"""Archives out of a pipe: whole or not at all, wherever one ends."""

import io
import os
import random
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.clock import SystemClock
from pfs_provider.worker.tar_stream import ArchiveStream


def tar(files: dict[str, bytes], *, fmt: int = tarfile.PAX_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=fmt) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def untar(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as read:
        return {each.name: body.read() for each in read if (body := read.extractfile(each))}


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue


def read_all(content: bytes, folder: Path) -> tuple[list[dict[str, bytes]], list[str]]:
    """What comes out of a pipe that was written to and closed, and what is told."""
    fifo = folder / "fifo"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    told: list[str] = []
    child = os.fork()
    if child == 0:
        os.close(reading)
        fifo.write_bytes(content)
        os._exit(0)
    ended = False

    def ending() -> bool:
        nonlocal ended
        ended = ended or os.waitpid(child, os.WNOHANG)[0] == child
        return ended

    stream = ArchiveStream(
        fd=reading, folder=folder, clock=SystemClock(), ending=ending, tell=told.append
    )
    found = [untar(archive) for archive in stream]
    os.close(reading)
    assert ended
    return found, told


@pytest.mark.parametrize("fmt", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_archives_come_one_by_one_whatever_zeros_lie_between(tmp_path: Path, fmt: int) -> None:
    one, two = {"a": b"1" * 5000, "b/c": b""}, {"d" * 90: random.Random(1).randbytes(200_000)}
    content = (
        bytes(512) + tar(one, fmt=fmt) + bytes(512 * 7) + tar(two, fmt=fmt)[: -512 * 6] + tar(one)
    )

    assert read_all(content, tmp_path) == ([one, two, one], [])


@pytest.mark.parametrize("cut", [100, 512, 700, 1024, 5000])
def test_what_has_not_come_to_its_end_is_left_out(tmp_path: Path, cut: int) -> None:
    whole = tar({"a": b"1" * 3000, "b": b"2" * 3000})

    found, told = read_all(whole + whole[:cut], tmp_path)

    assert found == [{"a": b"1" * 3000, "b": b"2" * 3000}]
    assert [sentence for sentence in told if "only in part" in sentence] == told
    assert bool(told) == (cut > 511)  # less than a header is nothing
    assert len(list(tmp_path.glob("*.tar"))) == 1


@given(st.binary(min_size=1, max_size=3000))
def test_nonsense_is_told_and_disturbs_nothing_before_it(content: bytes) -> None:
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    good = {"a": b"1"}

    with tempfile.TemporaryDirectory(dir=folder) as place:
        found, told = read_all(tar(good) + b"x" + content, Path(place))
    assert found == [good]
    assert bool(told) == (len(content) >= 511)


def test_who_writes_does_not_wait_for_who_takes_an_archive(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    reading, writing = pipe
    stream = iter(
        ArchiveStream(
            fd=reading, folder=tmp_path, clock=SystemClock(), ending=lambda: False, tell=print
        )
    )
    for number in range(3):  # the writer keeps the pipe open
        os.write(writing, tar({"n": b"%d" % number}))
        assert untar(next(stream)) == {"n": b"%d" % number}
