"""While a datum runs the next is staged and the one before stored, seen by user code and store.

All is shown by the order of events: each side waits until it has met the other, or gives up.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode, PfsError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.plan import plan_job
from pfs_provider.storage.handle import Storage
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, copy_code, files, inputs, make_queue, make_session, spec
from tests.watched_store import Watch, WatchedStore

PATIENCE_S = 20.0
LARGE = 1 << 21
"""Bytes of a file that has chunks of its own, so that its reads are told from those of others."""


@contextmanager
def watched(world: PfsWorld, watch: Watch) -> Iterator[Storage]:
    """The world's store, as a worker sees it that has to go through ``watch``."""
    with Storage(WatchedStore(world.storage.store, watch), clock=world.jobs.clock) as storage:
        yield storage


def _plan(world: PfsWorld, **more: Any) -> JobRef:
    """Plan a job over what is in ``in``, all of it in one set."""
    world.pfs.create_pipeline(spec("up", "code", datum_set_spec={"number": 100}, **more))
    job = world.claim("up")
    plan_job(world.jobs, job)
    return job


def _put_large(world: PfsWorld) -> dict[str, str]:
    """Put the files a, b, c, whose names are returned by the keys of their chunks."""
    chunks: dict[str, str] = {}
    for name in "abc":  # a commit each: none is read along with another
        world.put(**{name: os.urandom(LARGE)})
        for info in world.storage.store.list("chunks/"):
            chunks.setdefault(info.key, name)
    return chunks


def _name(task: Task) -> str:
    (file,) = files(inputs(task)[0])
    return file.name


def _work(world: PfsWorld, storage: Storage, job: JobRef) -> None:
    make_session(storage, job, world.executor, world.folder / "s").run()


def test_the_next_datum_is_read_from_the_store_while_one_runs(world: PfsWorld) -> None:
    chunks = _put_large(world)
    job = _plan(world)
    runs = {name: Event() for name in "abc"}
    before, met = {"b": "a", "c": "b"}, {}

    def code(task: Task) -> int:
        runs[_name(task)].set()
        return 0

    def watch(verb: str, key: str) -> None:
        # One after the other, the datum before would never run on while this one is read.
        name = chunks.get(key, "") if verb == "read" else ""
        if name in before and name not in met:
            met[name] = runs[before[name]].wait(PATIENCE_S) and not runs[name].is_set()
            is_still_running[before[name]].set()

    is_still_running = {name: Event() for name in "ab"}

    def code_until_read(task: Task) -> int:
        status = code(task)
        if (waits := is_still_running.get(_name(task))) is not None:
            met[f"{_name(task)} runs"] = waits.wait(PATIENCE_S)
        return status

    world.executor.code["code"] = code_until_read
    with watched(world, watch) as storage:
        _work(world, storage, job)

    assert met == {"b": True, "c": True, "a runs": True, "b runs": True}


def test_output_and_log_are_stored_while_the_next_datum_runs(world: PfsWorld) -> None:
    world.put(a="1", b="2", c="3")
    job = _plan(world)
    runs_on, met = Event(), {}

    def code(task: Task) -> int:
        if _name(task) != "a":
            runs_on.set()
        with task.log.open("a") as log:
            log.write(f"log of {_name(task)}\n")
        (task.root / "out" / _name(task)).write_bytes(os.urandom(LARGE))
        return 0

    def watch(verb: str, key: str) -> None:
        # The first of each is a's; storing it one after the other would never let b begin.
        kind = "log" if verb == "replace" and "/logs/" in key else key.partition("/")[0]
        if kind in {"log", "chunks"} and verb != "read" and kind not in met:
            met[kind] = runs_on.wait(PATIENCE_S)

    world.executor.code["code"] = code
    with watched(world, watch) as storage:
        _work(world, storage, job)

    assert met == {"log": True, "chunks": True}
    assert world.pfs.finish_job(str(job)).state == "success"
    texts = {line.text for line in world.pfs.logs(job=str(job))}
    assert texts == {"log of a", "log of b", "log of c"}


def test_user_code_sees_its_own_datum_alone_and_disk_holds_one_ahead_and_one_aside(
    world: PfsWorld,
) -> None:
    names = [f"f{n:02}" for n in range(12)]
    for name in names:
        world.put(**{name: name})
    job = _plan(world, datum_tries=2)
    seen: list[tuple[str, list[str]]] = []
    beside: list[int] = []

    def code(task: Task) -> int:
        there = sorted(str(path.relative_to(task.root)) for path in files(task.root))
        name = _name(task)
        seen.append((name, there))
        (task.root / "in" / name).write_text("spoilt")
        others = {path for path in task.root.parent.iterdir() if path.is_dir()} - {task.root}
        # Not by rglob: what lies there comes and goes meanwhile.
        beside.extend(sum(len(names) for _, _, names in os.walk(other)) for other in others)
        assert len(others) <= 2
        copy_code(task)
        return len(seen) % 2  # every datum fails once

    world.executor.code["code"] = code
    with watched(world, lambda _verb, _key: None) as storage:
        _work(world, storage, job)

    assert seen == [(name, [f"in/{name}"]) for name in names for _ in range(2)]
    assert max(beside) <= 1
    assert world.pfs.finish_job(str(job)).state == "success"
    assert {p.removeprefix("/"): t for p, t in world.read("up@master").items()} == dict.fromkeys(
        names, "spoilt"
    )
    scratch = world.folder / "s"
    assert [path for path in scratch.rglob("*") if path.is_file() and "log" not in path.name] == []


def test_trouble_with_staging_ahead_is_no_trouble_if_it_is_over_at_the_datums_turn(
    world: PfsWorld,
) -> None:
    chunks = _put_large(world)
    job = _plan(world)
    is_running, refused = Event(), Event()

    def code(task: Task) -> int:
        if _name(task) == "a":
            is_running.set()
            assert refused.wait(PATIENCE_S)
        return copy_code(task)

    def watch(verb: str, key: str) -> None:
        if verb == "read" and chunks.get(key) == "b" and not refused.is_set():
            assert is_running.wait(PATIENCE_S)
            refused.set()
            raise CorruptDataError(ErrorCode.CHUNK_CORRUPT, "not while it runs")

    world.executor.code["code"] = code
    with watched(world, watch) as storage:
        _work(world, storage, job)

    assert [_task_datum(task) for task in world.executor.tasks] == ["a", "b", "c"]
    assert world.pfs.finish_job(str(job)).state == "success"


def _task_datum(task: Task) -> str:
    return task.env["in"].rpartition("/")[2]


def test_a_datum_that_cannot_be_staged_is_told_after_the_one_before_it_has_run(
    world: PfsWorld,
) -> None:
    chunks = _put_large(world)
    job = _plan(world)
    world.executor.code["code"] = copy_code

    def watch(verb: str, key: str) -> None:
        if verb == "read" and chunks.get(key, "a") != "a":
            raise CorruptDataError(ErrorCode.CHUNK_CORRUPT, "it is damaged")

    with watched(world, watch) as storage, pytest.raises(PfsError, match="damaged"):
        _work(world, storage, job)

    assert [_task_datum(task) for task in world.executor.tasks] == ["a"]
    _check_given_back_and_done_by_another(world, job)


def test_output_that_cannot_be_stored_beside_gives_the_set_back(world: PfsWorld) -> None:
    world.put(a="1", b="2", c="3")
    job = _plan(world)

    def code(task: Task) -> int:
        (task.root / "out" / _name(task)).write_bytes(os.urandom(LARGE))
        return 0

    def watch(verb: str, key: str) -> None:
        if verb == "create" and key.startswith(("chunks/", "files/")):
            raise UnavailableError(ErrorCode.STORE_FULL, "no room")

    world.executor.code["code"] = code
    with watched(world, watch) as storage, pytest.raises(UnavailableError, match="no room"):
        _work(world, storage, job)

    _check_given_back_and_done_by_another(world, job)


def test_a_worker_that_is_stopped_leaves_no_thread_and_no_result(world: PfsWorld) -> None:
    for name in "abc":
        world.put(**{name: os.urandom(LARGE)})
    job = _plan(world)
    stopped, last = Event(), Event()
    with watched(world, lambda _verb, _key: last.set()) as storage:
        session = make_session(storage, job, world.executor, world.folder / "s")

        def code(task: Task) -> int:
            if _name(task) == "b":
                session.stop.set()
                stopped.set()
            return copy_code(task)

        world.executor.code["code"] = code
        session.run()
        last.clear()

        assert stopped.is_set()
        assert not last.wait(0.2)  # nobody talks to the store any more
    world.executor.closed = False
    _check_given_back_and_done_by_another(world, job)


def _check_given_back_and_done_by_another(world: PfsWorld, job: JobRef) -> None:
    taken = make_queue(world.storage, job, number=1).take(lambda: False)
    assert taken is not None
    assert taken.number == 0
    make_session(world.storage, job, world.executor, world.folder / "again", number=1).run()
    done = world.pfs.finish_job(str(job))
    assert (done.state, done.processed, done.total) == ("success", 3, 3)
