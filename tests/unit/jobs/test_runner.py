"""The embedded scheduler."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pfs_provider.catalog.jobs import claim_job, release_job
from pfs_provider.errors import ConflictError, ErrorCode, UnavailableError
from pfs_provider.jobs.keys import JobRef, parse_pipeline_key
from pfs_provider.jobs.launcher import Workers, WorkersState
from pfs_provider.jobs.runner import Runner
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, copy_code, counts, spec

if TYPE_CHECKING:
    from pfs_provider.infos import JobInfo


@dataclass(slots=True)
class BrokenLauncher:
    """Its workers never do anything."""

    state: WorkersState = field(default_factory=lambda: WorkersState(alive=0))
    error: Exception | None = None
    stopped: int = 0
    left: int = 0
    on_poll: Callable[[], object] = lambda: None
    place: str = "broken workers"
    unsupported: tuple[str, ...] = ()

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        return self.unsupported

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> Workers:
        if self.error is not None:
            raise self.error
        return self

    def poll(self) -> WorkersState:
        self.on_poll()
        return self.state

    def stop(self) -> None:
        self.stopped += 1

    def leave(self) -> None:
        self.left += 1


def _chain(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("one", "picky", datum_tries=1))
    world.pfs.create_pipeline(spec("two", "join", repo="one", glob="/"))


def test_jobs_run_one_after_the_other_down_the_graph(world: PfsWorld) -> None:
    _chain(world)
    change = world.put(a="1", b="2")

    ended = world.run()

    assert [(job.pipeline, job.id, job.state) for job in ended] == [
        ("one", change, "success"), ("two", change, "success")
    ]  # fmt: skip
    assert world.read("two@master") == {"/all": "12"}


def test_nothing_to_do_ends_at_once(world: PfsWorld) -> None:
    assert world.run() == []


def test_what_is_downstream_of_a_failed_job_cannot_run_but_others_do(world: PfsWorld) -> None:
    _chain(world)
    world.pfs.create_pipeline(spec("other"))
    world.put(a="bad")

    states = [(job.pipeline, job.state) for job in world.run()]

    assert states == [("one", "failure"), ("two", "unrunnable"), ("other", "success")]
    assert world.pfs.list_jobs("two")[0].state == "unrunnable"
    assert world.pfs.inspect_commit("two@master").state == "error"


def test_a_change_that_mends_the_failure_runs_through(world: PfsWorld) -> None:
    _chain(world)
    world.put(a="bad")
    world.run()
    world.put(a="good")

    assert [job.state for job in world.run()] == ["success", "success"]
    assert world.read("two@master") == {"/all": "good"}


def test_progress_is_told_with_counts_and_the_end(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))
    seen: list[JobInfo] = []

    world.run(on_progress=seen.append)

    assert [job.state for job in seen] == ["running", "success"]
    assert [counts(job) for job in seen] == ["2+0+0+0/2", "2+0+0+0/2"]


def test_a_scheduler_says_that_it_lives_at_work_and_when_idle(world: PfsWorld) -> None:
    idle: list[int] = []
    world.run(on_turn=lambda: idle.append(1))
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    launcher = BrokenLauncher(WorkersState(alive=0))
    busy: list[int] = []

    list(
        Runner(
            jobs=world.jobs, launcher=launcher, owner="test", on_turn=lambda: busy.append(1)
        ).run_ready()
    )

    assert len(idle) == 1
    assert len(busy) == 3  # the claim, the look at the workers, and that nothing is left


def test_one_pipelines_jobs_are_run_where_one_is_named(world: PfsWorld) -> None:
    world.put(a="1")
    for name in ("one", "two"):
        world.pfs.create_pipeline(spec(name))

    ended = list(world.runner().run_ready(parse_pipeline_key("two")))

    assert [job.pipeline.name for job in ended] == ["two"]


def test_a_job_that_is_stopped_while_it_runs_ends_killed_and_the_next_one_runs(
    world: PfsWorld,
) -> None:
    def stop_first(task: Task) -> int:
        world.pfs.stop_job(str(world.ref("up")))
        return copy_code(task)

    world.executor.code["stop"] = stop_first
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "stop"))
    world.pfs.create_pipeline(spec("other"))

    assert {job.pipeline: job.state for job in world.run()} == {"up": "killed", "other": "success"}
    commit = world.pfs.inspect_commit("up@master")
    assert commit.error is not None
    assert "stopped by a user" in commit.error


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (WorkersState(alive=1, problem="the image cannot be pulled"), "the image cannot be pulled"),
        (WorkersState(alive=0), "all workers ended"),
    ],
)
def test_workers_that_cannot_work_fail_the_job_with_the_reason(
    world: PfsWorld, state: WorkersState, reason: str
) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    launcher = BrokenLauncher(state)
    runner = Runner(jobs=world.jobs, launcher=launcher, owner="test")

    (job,) = runner.run_ready()

    assert job.state == "failure"
    assert reason in job.reason
    assert job.counts.failed == 1
    assert launcher.stopped == 1


def test_a_job_is_given_back_when_workers_cannot_be_started(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    broken = BrokenLauncher(error=UnavailableError(ErrorCode.WORKER_FAILED, "no more processes"))

    with pytest.raises(UnavailableError):
        list(Runner(jobs=world.jobs, launcher=broken, owner="test").run_ready())

    assert world.pfs.list_jobs("up")[0].state == "starting"
    assert world.runner().owner == "test"
    assert world.run_one().state == "success"


@pytest.mark.parametrize(
    ("end", "left", "stopped"), [(SystemExit(143), 1, 0), (KeyboardInterrupt(), 0, 1)]
)
def test_workers_are_left_to_a_successor_by_sigterm_and_stopped_by_ctrl_c(
    world: PfsWorld, end: BaseException, left: int, stopped: int
) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    def interrupt() -> None:
        raise end

    launcher = BrokenLauncher(WorkersState(alive=1), on_poll=interrupt)

    with pytest.raises(type(end)):
        list(Runner(jobs=world.jobs, launcher=launcher, owner="test").run_ready())

    assert (launcher.left, launcher.stopped) == (left, stopped)
    assert world.run_one().state == "success"  # it was given back


def test_workers_of_a_job_that_another_scheduler_took_over_are_left_to_it(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    def take_over() -> None:
        with world.versions.catalog.write() as tx:
            release_job(tx, world.ref("up").pipeline, world.ref("up").id, owner="test")
            claim_job(tx, owner="other", lease_s=60)
        launcher.on_poll = lambda: None

    launcher = BrokenLauncher(WorkersState(alive=1), on_poll=take_over)

    runner = Runner(jobs=replace(world.jobs, lease_s=0.2), launcher=launcher, owner="test")
    with world.versions.catalog.write() as tx:
        job = claim_job(tx, owner="test", lease_s=60)
    assert job is not None

    with pytest.raises(ConflictError, match="is run by other"):
        runner.run_job(job)

    assert (launcher.left, launcher.stopped) == (1, 0)
    assert world.pfs.list_jobs("up")[0].state == "running"


def test_workers_of_a_job_that_a_user_stopped_are_stopped(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    launcher = BrokenLauncher(
        WorkersState(alive=1), on_poll=lambda: world.pfs.stop_job(str(world.ref("up")))
    )

    jobs = replace(world.jobs, lease_s=0.2)
    list(Runner(jobs=jobs, launcher=launcher, owner="test").run_ready())

    assert launcher.left == 0
    assert launcher.stopped == 1


def test_a_job_that_is_deleted_while_it_runs_ends_its_workers_and_the_next_one_runs(
    world: PfsWorld,
) -> None:
    def delete(task: Task) -> int:
        world.pfs.delete_pipeline("up")
        return copy_code(task)

    world.executor.code["delete"] = delete
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "delete"))
    world.pfs.create_pipeline(spec("other"))

    assert {job.pipeline: job.state for job in world.run()} == {"other": "success"}


def test_a_job_that_takes_longer_than_its_timeout_is_killed(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", job_timeout="0.01s"))
    launcher = BrokenLauncher(WorkersState(alive=1))

    (job,) = Runner(jobs=world.jobs, launcher=launcher, owner="test").run_ready()

    assert job.state == "killed"
    assert "job_timeout" in job.reason


def test_a_job_of_a_dead_process_is_taken_over_at_once(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    world.pfs.claim_job(owner=f"process:{boot}.{space}:999999999:1:x", lease_s=3600)

    assert world.run_one().state == "success"


@pytest.mark.timeout(20)
def test_a_job_that_waits_for_an_open_commit_is_not_waited_for(world: PfsWorld) -> None:
    world.pfs.create_repo("mid")
    world.pfs.create_branch("mid@master", provenance=["in@master"])
    world.pfs.create_pipeline(spec("up", repo="mid"))
    world.put(a="1")
    second = world.put(a="2")
    world.pfs.finish_commit(f"mid@{second}")

    assert world.run() == []


def test_a_job_whose_stored_bytes_are_damaged_fails_and_the_next_one_runs(
    world: PfsWorld,
) -> None:
    world.pfs.create_pipeline(spec("first", "copy"))
    world.put(a="a")
    claimed = world.claim("first")
    world.storage.store.create(claimed.plan, b"no plan at all")
    world.pfs.create_repo("other")
    world.commit("other@master", {"/b": "b"})
    world.pfs.create_pipeline(spec("second", "copy", repo="other"))

    states = {job.pipeline: (job.state, job.reason) for job in world.run()}

    assert states["first"][0] == "failure"
    assert "damaged" in states["first"][1]
    assert states["second"][0] == "success"


def test_a_spec_that_workers_cannot_carry_out_fails_the_job_before_it_is_planned(
    world: PfsWorld,
) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    launcher = BrokenLauncher(unsupported=("transform.secrets",))

    (job,) = Runner(jobs=world.jobs, launcher=launcher, owner="test").run_ready()

    assert job.state == "failure"
    assert job.reason.startswith("transform.secrets: broken workers cannot give that yet")
    assert not list(world.storage.store.list(world.ref("up").prefix + "plan"))


def test_a_running_job_says_why_it_waits_until_that_has_passed(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", job_timeout="1s"))
    launcher = BrokenLauncher(WorkersState(alive=1, notice="0/2 nodes are available"))
    seen: list[str] = []

    def tell(job: "JobInfo") -> None:
        if job.state == "running":
            seen.append(world.pfs.inspect_job(f"up@{job.id}").reason)
            assert job.reason == seen[-1]
        if len(seen) == 2:
            launcher.state = WorkersState(alive=1)

    list(Runner(jobs=world.jobs, launcher=launcher, owner="test", on_progress=tell).run_ready())

    assert seen[:3] == ["", "0/2 nodes are available", ""]


def test_a_job_that_is_given_back_says_why_until_it_runs(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    broken = BrokenLauncher(error=UnavailableError(ErrorCode.WORKER_FAILED, "no more processes"))
    with pytest.raises(UnavailableError):
        list(Runner(jobs=world.jobs, launcher=broken, owner="test").run_ready())

    assert world.pfs.list_jobs("up")[0].reason == "no more processes"
    assert world.run_one().reason == ""
