"""Logs of user code."""

import threading

import pytest

from pfs_provider.errors import NotFoundError
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.logs import follow_logs, read_logs
from tests.pfs_world import PfsWorld, spec

ONE, TWO = b"\x01" * 16, b"\x02" * 16


@pytest.fixture
def job(world: PfsWorld) -> JobRef:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    claimed = world.claim("up")
    world.storage.store.replace(claimed.log(ONE), b"first\nsecond\n")
    world.storage.store.replace(claimed.log(TWO), "third é\xff".encode("latin-1"))
    return claimed


def test_lines_come_datum_by_datum(world: PfsWorld, job: JobRef) -> None:
    found = list(read_logs(world.jobs, job))

    assert [(line.datum, line.text) for line in found] == [
        (ONE.hex(), "first"), (ONE.hex(), "second"), (TWO.hex(), "third \ufffd\ufffd")
    ]  # fmt: skip
    assert {line.job for line in found} == {job.id}
    assert all(line.at is not None for line in found)


def test_one_datums_lines_are_had_alone(world: PfsWorld, job: JobRef) -> None:
    assert [line.text for line in read_logs(world.jobs, job, ONE.hex())] == ["first", "second"]


def test_following_ends_with_the_job_and_misses_nothing(world: PfsWorld, job: JobRef) -> None:
    lines = follow_logs(world.jobs, job)
    seen = [next(lines).text for _ in range(2)]
    world.storage.store.replace(job.log(ONE), b"first\nsecond\nlast\n")
    thread = threading.Timer(0.05, world.pfs.stop_job, [str(job)])
    thread.start()

    seen += [line.text for line in lines]

    thread.join()
    assert seen == ["first", "second", "last", "third \ufffd\ufffd"]


def test_a_job_that_is_not_there_has_no_logs(world: PfsWorld) -> None:
    with pytest.raises(NotFoundError):
        list(read_logs(world.jobs, parse_job_ref("up@0123456789ab4def8123456789abcdef")))
