"""What a command writes, taken from a real pipe."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.logs import LogWriter
from pfs_provider.worker.executors.output import OutputTaker


@contextmanager
def piped(folder: Path) -> Iterator[tuple[OutputTaker, int, select.poll]]:
    """Yield a taker, the end that a command writes to, and the poll that watches."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    poll = select.poll()
    with LogWriter(folder / "log") as log:
        yield OutputTaker(read_end, log, poll), write_end, poll
    os.close(read_end)


def test_what_is_there_is_taken_without_waiting_for_more(tmp_path: Path) -> None:
    with piped(tmp_path) as (output, end, poll):
        os.write(end, b"some")

        assert [descriptor for descriptor, _ in poll.poll(0)] == [output.source]
        assert output.take()
        assert not output.take()
        os.close(end)

    assert (tmp_path / "log").read_bytes() == b"some"


def test_the_end_is_seen_once_and_may_be_asked_for_again(tmp_path: Path) -> None:
    with piped(tmp_path) as (output, end, poll):
        os.write(end, b"last")
        os.close(end)

        output.drain()
        output.drain()

        assert poll.poll(0) == []
    assert (tmp_path / "log").read_bytes() == b"last"


def test_a_pipe_that_brings_much_is_made_larger(tmp_path: Path) -> None:
    with piped(tmp_path) as (output, end, _):
        os.write(end, b"x" * (1 << 16))
        output.take()
        os.set_blocking(end, False)

        written = os.write(end, b"y" * (1 << 18))

        assert written == 1 << 18
        os.close(end)


def test_waiting_for_the_end_ends_with_the_last_writer_or_the_time(tmp_path: Path) -> None:
    with piped(tmp_path) as (output, end, _):
        os.write(end, b"dying")

        assert not output.take_to_end(SystemClock(), 0.05)
        os.close(end)
        assert output.take_to_end(SystemClock(), 5)
    assert (tmp_path / "log").read_bytes() == b"dying"
