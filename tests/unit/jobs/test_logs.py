"""Logs of user code."""

import threading
from typing import Any

import pytest

from pfs_provider.errors import NotFoundError
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.log_selection import LogChoice
from pfs_provider.jobs.logs import follow_logs, iter_logs, read_logs
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
    assert [line.text for line in read_logs(world.jobs, job, {ONE.hex()})] == ["first", "second"]


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


def _texts(world: PfsWorld, job: JobRef, **more: Any) -> list[str]:
    return [line.text for line in read_logs(world.jobs, job, **more)]


def test_a_gap_is_one_line_that_counts_what_is_left_out(world: PfsWorld, job: JobRef) -> None:
    store = world.storage.store
    store.replace(job.log(ONE), b"first\nhalf a li")
    store.replace(job.log(ONE, 100), b"ne\nla")
    store.replace(job.log(ONE, 105), b"st\n")

    assert _texts(world, job, datums={ONE.hex()}) == [
        "first", "half a li", "[log cut here: 85 bytes left out]", "ne", "last"
    ]  # fmt: skip


def test_parts_that_a_lost_worker_left_do_not_count(world: PfsWorld, job: JobRef) -> None:
    store = world.storage.store
    store.replace(job.log(ONE, 100), b"stale\n")
    store.replace(job.log(ONE), b"first\n")

    assert _texts(world, job, datums={ONE.hex()}) == ["first"]


def test_a_tail_is_the_last_lines_of_what_was_stored_last(world: PfsWorld, job: JobRef) -> None:
    store = world.storage.store
    store.replace(job.log(TWO), b"1\n2\n3\n")
    store.replace(job.log(ONE), b"4\n5\n")
    store.replace(job.log(ONE, 4), b"6\n7")

    assert _texts(world, job, tail=0) == []
    assert _texts(world, job, tail=1) == ["7"]
    assert _texts(world, job, tail=2) == ["6", "7"]
    assert _texts(world, job, tail=5) == ["3", "4", "5", "6", "7"]
    assert _texts(world, job, tail=100) == ["1", "2", "3", "4", "5", "6", "7"]


def test_since_passes_over_what_was_stored_before(world: PfsWorld, job: JobRef) -> None:
    middle = world.jobs.clock.now()
    world.storage.store.replace(job.log(ONE, 13), b"third\n")

    assert _texts(world, job, since=middle) == ["third"]
    assert _texts(world, job, since=world.jobs.clock.now()) == []


def test_a_tail_is_followed(world: PfsWorld, job: JobRef) -> None:
    lines = follow_logs(world.jobs, job, {ONE.hex()}, tail=1)
    seen = [next(lines).text]
    world.storage.store.replace(job.log(ONE, 13), b"third\n")
    world.pfs.stop_job(str(job))

    seen += [line.text for line in lines]

    assert seen == ["second", "third"]


def test_several_jobs_are_read_one_after_the_other(world: PfsWorld, job: JobRef) -> None:
    choice = LogChoice(job, frozenset({ONE.hex()}))

    def texts(**more: Any) -> list[str]:
        return [line.text for line in iter_logs(world.jobs, [choice, choice], **more)]

    assert texts() == ["first", "second"] * 2
    assert texts(tail=3) == ["second", "first", "second"]
    assert list(iter_logs(world.jobs, [])) == []
    world.pfs.stop_job(str(job))
    assert texts(follow=True) == ["first", "second"] * 2
    assert texts(follow=True, tail=1) == ["second"]
