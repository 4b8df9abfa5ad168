from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.jobs.ticks import cron_inputs, put_due_ticks, put_ticks_now
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, PipelineKey, RepoKey
from pfs_provider.spec.load import load_specs
from pfs_provider.versioning.versions import Versions
from tests.pfs_world import PfsWorld, paths

TICKS = BranchKey(RepoKey("default", "nightly_tick"), "master")


@dataclass(slots=True)
class SetClock:
    """Shows the time that a test sets."""

    time: datetime

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def tick_now(versions: Versions, pipeline: str = "nightly") -> None:
    with versions.catalog.write() as tx:
        change = CommitId(versions.ids.new_id())
        put_ticks_now(versions, tx, PipelineKey("default", pipeline), change)


def ticks(world: PfsWorld) -> list[str]:
    return paths(world.pfs.list_files("nightly_tick@master:/"))


def spec(**cron: object) -> dict[str, object]:
    return {
        "pipeline": {"name": "nightly"},
        "transform": {"cmd": ["true"]},
        "input": {"cron": {"name": "tick", "spec": "@every 1h", **cron}},
    }


def later(world: PfsWorld, hours: float) -> Versions:
    """Return the world's versions at a time so many hours from now."""
    return replace(
        world.versions, clock=SetClock(datetime.now(UTC) + timedelta(hours=hours, seconds=5))
    )


def test_a_cron_input_gets_a_repo_with_the_pipeline_and_loses_it(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())
    made = world.pfs.inspect_repo("nightly_tick")

    world.pfs.delete_pipeline("nightly")

    assert made.description == "ticks of pipeline nightly"
    with pytest.raises(NotFoundError):
        world.pfs.inspect_repo("nightly_tick")


def test_nothing_is_put_before_the_first_tick(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())

    assert put_due_ticks(world.versions) == []
    assert world.pfs.list_jobs("nightly") == []


def test_missed_ticks_are_put_in_one_commit_and_cause_one_job(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())

    put = put_due_ticks(later(world, 3))

    assert put == [TICKS]
    assert len(paths(world.pfs.list_files("nightly_tick@master:/"))) == 3
    assert len(world.pfs.list_commits("nightly_tick")) == 1
    assert [job.total for job in world.run()] == [3]


def test_a_tick_is_put_once(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())
    put_due_ticks(later(world, 1))

    again = put_due_ticks(later(world, 1))

    assert again == []
    assert len(world.pfs.list_commits("nightly_tick")) == 1


def test_overwrite_keeps_the_latest_tick_alone(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec(overwrite=True))
    put_due_ticks(later(world, 2))
    (first,) = paths(world.pfs.list_files("nightly_tick@master:/"))

    put_due_ticks(later(world, 3))

    (second,) = paths(world.pfs.list_files("nightly_tick@master:/"))
    assert second > first


def test_a_stopped_pipeline_gets_no_ticks(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())
    world.pfs.stop_pipeline("nightly")

    assert put_due_ticks(later(world, 3)) == []


def test_cron_inputs_are_found_inside_of_others() -> None:
    loaded = load_specs(
        {
            "pipeline": {"name": "p"},
            "transform": {"cmd": ["true"]},
            "input": {
                "cross": [
                    {"pfs": {"repo": "in", "glob": "/"}},
                    {"cron": {"name": "tick", "spec": "@daily"}},
                ]
            },
        }
    )

    assert [cron.name for cron in cron_inputs(loaded[0].spec.input)] == ["tick"]


def test_of_missed_ticks_the_latest_alone_is_put_where_the_spec_says_so(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec(catchup="latest"))

    put_due_ticks(later(world, 3))

    (tick,) = paths(world.pfs.list_files("nightly_tick@master:/"))
    created = world.pfs.inspect_pipeline("nightly").created
    late = datetime.fromisoformat(tick.lstrip("/")) - created
    assert late == timedelta(hours=3)
    assert [job.total for job in world.run()] == [1]


def test_missed_ticks_are_skipped_where_the_spec_says_so(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec(catchup="skip"))

    missed = put_due_ticks(later(world, 3.5))
    on_time = put_due_ticks(later(world, 4))

    assert missed == []
    assert on_time == [TICKS]
    assert len(paths(world.pfs.list_files("nightly_tick@master:/"))) == 1


def test_a_wrong_catch_up_is_refused_by_its_field() -> None:
    with pytest.raises(RefusedError, match=r"input\.cron\.catchup"):
        load_specs(spec(catchup="some"))


def test_a_tick_of_now_causes_one_job_before_the_schedule_does(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())

    tick_now(world.versions)

    assert len(ticks(world)) == 1
    assert [job.total for job in world.run()] == [1]
    assert put_due_ticks(world.versions) == []


@pytest.mark.parametrize(("catchup", "missed"), [("all", 3), ("latest", 1), ("skip", 0)])
def test_a_tick_of_now_hides_none_that_was_missed(
    world: PfsWorld, catchup: str, missed: int
) -> None:
    world.pfs.create_pipeline(spec(spec="@every 1h", catchup=catchup))

    tick_now(later(world, 3.5))

    assert len(ticks(world)) == missed + 1
    assert len(world.pfs.list_commits("nightly_tick")) == 1


def test_a_tick_of_now_takes_the_place_of_those_before_where_they_are_overwritten(
    world: PfsWorld,
) -> None:
    world.pfs.create_pipeline(spec(overwrite=True))
    tick_now(later(world, 2))
    (first,) = ticks(world)

    tick_now(later(world, 3))

    (second,) = ticks(world)
    assert second > first


def test_all_cron_inputs_tick_as_one_change_with_one_job(world: PfsWorld) -> None:
    two = [{"cron": {"name": name, "spec": "@yearly"}} for name in ("a", "b")]
    world.pfs.create_pipeline({**spec(), "input": {"cross": two}})

    tick_now(world.versions)

    [job] = world.run()
    assert job.total == 1
    ids = {world.pfs.inspect_commit(f"nightly_{name}@master").id for name in ("a", "b")}
    assert ids == {job.id}


def test_a_pipeline_that_cannot_tick_is_told_and_nothing_is_put(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec())
    world.pfs.stop_pipeline("nightly")
    world.put(a="1")
    files = {**spec(), "pipeline": {"name": "files"}, "input": {"pfs": {"repo": "in", "glob": "/"}}}
    world.pfs.create_pipeline(files)

    with pytest.raises(ConflictError, match="start it with") as stopped:
        tick_now(world.versions)
    with pytest.raises(NotFoundError, match="pfs rerun pipeline files") as none:
        tick_now(world.versions, "files")
    with pytest.raises(NotFoundError, match="nowhere"):
        tick_now(world.versions, "nowhere")

    assert stopped.value.code == ErrorCode.IN_USE
    assert none.value.code == ErrorCode.CRON_NOT_FOUND
    assert world.pfs.list_commits("nightly_tick") == []


def test_a_clock_that_never_ticks_ticks_when_told_to(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec(spec="@never"))

    assert put_due_ticks(later(world, 9000)) == []
    tick_now(world.versions)

    assert len(ticks(world)) == 1
    assert put_due_ticks(later(world, 9000)) == []
