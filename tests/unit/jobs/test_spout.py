"""One spout: one scheduler keeps it up, at its newest version."""

import pytest

from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.spout import SpoutKeeper, find_spout
from pfs_provider.jobs.standing_notes import StandingNote, put_note
from pfs_provider.refs.names import PipelineKey
from tests.pfs_world import PfsWorld
from tests.unit.jobs.hands import HandLauncher

TAP = PipelineKey("default", "tap")


def _spec(word: str) -> dict[str, object]:
    return {"pipeline": {"name": "tap"}, "transform": {"cmd": [word]}, "spout": {}}


@pytest.fixture
def launcher() -> HandLauncher:
    return HandLauncher()


@pytest.fixture
def keeper(world: PfsWorld, launcher: HandLauncher) -> SpoutKeeper:
    world.pfs.create_pipeline(_spec("drip"))
    return SpoutKeeper(jobs=world.jobs, launcher=launcher, owner="me", key=TAP)


def test_a_spout_has_no_jobs_and_its_output_takes_commits(
    world: PfsWorld, keeper: SpoutKeeper, launcher: HandLauncher
) -> None:
    keeper.turn()

    assert len(launcher.alive) == 1
    assert world.pfs.list_jobs() == []
    world.put("tap@master", a="1")
    assert world.read("tap@master") == {"/a": "1"}
    put_note(world.jobs.objects, launcher.alive[0], StandingNote(state="down", reason="it fell"))
    keeper.turn()
    found = world.pfs.inspect_pipeline("tap")
    assert (found.state, found.reason) == ("crashing", "it fell")


def test_a_new_version_takes_the_place_of_the_old(
    world: PfsWorld, keeper: SpoutKeeper, launcher: HandLauncher
) -> None:
    keeper.turn()
    world.pfs.update_pipeline(_spec("pour"))
    keeper.turn()

    [ref] = launcher.alive
    plan = read_plan(world.jobs.objects, ref)
    assert plan is not None
    assert (plan.command.cmd, plan.spec_version) == (["pour"], 2)


def test_one_scheduler_at_a_time_until_it_gives_it_back(
    world: PfsWorld, keeper: SpoutKeeper, launcher: HandLauncher
) -> None:
    other = SpoutKeeper(jobs=world.jobs, launcher=HandLauncher(), owner="you", key=TAP)
    keeper.turn()
    other.turn()
    assert other.launcher.launched == []  # type: ignore[attr-defined] # its own

    keeper.close()
    other.turn()

    assert launcher.alive == []
    assert len(other.launcher.launched) == 1  # type: ignore[attr-defined] # its own


def test_the_log_of_the_newest_version_is_the_pipelines(
    world: PfsWorld, keeper: SpoutKeeper, launcher: HandLauncher
) -> None:
    keeper.turn()
    [ref] = launcher.alive
    assert find_spout(world.jobs, TAP) == ref
    world.jobs.objects.replace(ref.log(bytes.fromhex(ref.id)[:16]), b"one\ntwo\n")

    assert [line.text for line in world.pfs.logs("tap")] == ["one", "two"]
    assert [line.text for line in world.pfs.logs("tap", tail=1)] == ["two"]
    followed = world.pfs.logs("tap", follow=True)
    assert [next(followed).text, next(followed).text] == ["one", "two"]
    plan = read_plan(world.jobs.objects, ref)
    assert plan is not None
    assert "PFS_CATALOG" in plan.masked


def test_a_stopped_spout_runs_no_more(
    world: PfsWorld, keeper: SpoutKeeper, launcher: HandLauncher
) -> None:
    keeper.turn()
    world.pfs.stop_pipeline("tap")
    keeper.turn()

    assert launcher.alive == []
    assert world.pfs.inspect_pipeline("tap").state == "paused"
