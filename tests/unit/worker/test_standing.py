"""One standing command: staged, started when it may, kept up."""

import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.standing_notes import find_note
from pfs_provider.storage.values import parse_tree_ref
from pfs_provider.worker import standing
from pfs_provider.worker.environment import search_path
from pfs_provider.worker.executors.port import Task
from pfs_provider.worker.standing import Stand
from tests.pfs_world import PfsWorld, spec


@pytest.fixture
def stand(world: PfsWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    monkeypatch.setattr(standing, "FIRST_PAUSE_S", 0.01)
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "serve", glob="/"))
    job = world.claim("up")
    plan = plan_job(world.jobs, job)
    root = tmp_path / "pfs"
    root.mkdir()
    return Stand(
        storage=world.storage,
        job=job,
        plan=plan,
        trees={pin.branch: parse_tree_ref(pin.tree) for pin in plan.inputs},
        executor=world.executor,
        root=root,
        log=tmp_path / "log",
        hidden=(),
        path=search_path(sys.executable),
        port=None,
        clock=SystemClock(),
        stop=Event(),
    )


def _log(world: PfsWorld, job: JobRef) -> str:
    return "".join(line.text + "\n" for line in world.pfs.logs(job=str(job)))


def test_a_command_that_ends_is_started_again_with_fresh_files(
    world: PfsWorld, stand: Stand
) -> None:
    seen: list[str] = []

    def serve(task: Task) -> int:
        file = task.root / "in" / "a"
        seen.append(file.read_text())
        file.write_text("spoilt")
        (task.root / "out" / "left").write_text("x")
        if len(seen) == 3:
            stand.stop.set()
        return 1 if len(seen) == 1 else -9

    world.executor.code["serve"] = serve
    world.jobs.objects.replace(stand.job.go, b"go")

    stand.run()

    assert seen == ["1", "1", "1"]
    note = find_note(world.jobs.objects, stand.job)
    assert note is not None
    assert (note.state, note.n_starts) == ("up", 3)
    said = _log(world, stand.job)
    assert "[it exited with code 1; it is started again in 0.01 s]" in said
    assert "[it was killed by signal 9; it is started again in 0.02 s]" in said


def test_nothing_starts_before_it_may(world: PfsWorld, stand: Stand) -> None:
    started = Event()

    def serve(task: Task) -> int:
        started.set()
        stand.stop.set()
        return 0

    world.executor.code["serve"] = serve
    thread = Thread(target=stand.run)
    thread.start()
    objects = world.jobs.objects
    while (note := find_note(objects, stand.job)) is None:
        pass

    assert note.state == "staged"
    assert (stand.root / "in" / "a").read_text() == "1"
    assert not started.is_set()
    objects.replace(stand.job.go, b"go")
    thread.join()
    assert started.is_set()


def test_a_command_that_cannot_be_started_is_tried_again(world: PfsWorld, stand: Stand) -> None:
    reasons: list[str] = []

    def look(_number: int = 0) -> None:
        while len(reasons) < 2:
            note = find_note(world.jobs.objects, stand.job)
            if note is not None and note.state == "down" and note.n_starts > len(reasons):
                reasons.append(note.reason)
        stand.stop.set()

    world.jobs.objects.replace(stand.job.go, b"go")
    thread = Thread(target=look)
    thread.start()

    stand.run()

    thread.join()
    assert set(reasons) == {"command 'serve' is not there"}


def test_what_opens_the_store_is_told_to_the_command_alone(world: PfsWorld, stand: Stand) -> None:
    stand.is_client = True
    stand.client = {"AWS_SECRET_ACCESS_KEY": "hush", "PFS_HOME": "/home/pfs"}
    stand.secrets = ("hush",)
    tasks: list[Task] = []

    def serve(task: Task) -> int:
        tasks.append(task)
        stand.stop.set()
        return 0

    world.executor.code["serve"] = serve
    world.jobs.objects.replace(stand.job.go, b"go")

    stand.run()

    [task] = tasks
    assert task.env["AWS_SECRET_ACCESS_KEY"] == "hush"
    assert "AWS_SECRET_ACCESS_KEY" in task.masked
    assert "PFS_HOME" not in task.masked
