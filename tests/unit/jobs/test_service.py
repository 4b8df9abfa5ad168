"""One service: whose data is served, and how its jobs end."""

import pytest

from pfs_provider.jobs.service import ServiceKeeper
from pfs_provider.jobs.standing_notes import StandingNote, put_note
from pfs_provider.refs.names import PipelineKey
from tests.pfs_world import PfsWorld, counts, spec
from tests.unit.jobs.hands import HandLauncher

WEB = PipelineKey("default", "web")


@pytest.fixture
def launcher() -> HandLauncher:
    return HandLauncher()


@pytest.fixture
def keeper(world: PfsWorld, launcher: HandLauncher) -> ServiceKeeper:
    world.put(a="1")
    document = spec("web", glob="/", service={"internal_port": 1})
    world.pfs.create_pipeline(document)
    return ServiceKeeper(jobs=world.jobs, launcher=launcher, owner="me", key=WEB)


def test_a_job_runs_as_long_as_its_data_is_served(
    world: PfsWorld, keeper: ServiceKeeper, launcher: HandLauncher
) -> None:
    keeper.turn()
    keeper.turn()

    first = world.ref("web")
    assert launcher.alive == [first]
    assert world.pfs.inspect_job(str(first)).state == "running"
    assert world.jobs.objects.find(first.go) is not None

    world.put(a="2")
    keeper.turn()
    second = world.ref("web")
    assert launcher.alive == [first, second], "the old one serves until the files are there"
    assert world.jobs.objects.find(second.go) is None
    put_note(world.jobs.objects, second, StandingNote(state="staged"))
    keeper.turn()

    assert launcher.alive == [second]
    assert world.jobs.objects.find(second.go) is not None
    ended = world.pfs.inspect_job(str(first))
    assert (ended.state, counts(ended)) == ("success", "1+0+0+0/1")
    assert world.read(f"web@{first.id}") == {}


def test_a_job_that_is_old_when_it_is_taken_is_not_served(
    world: PfsWorld, keeper: ServiceKeeper, launcher: HandLauncher
) -> None:
    world.put(a="2")
    world.put(a="3")
    keeper.turn()

    assert launcher.alive == [world.ref("web")]
    states = [(job.state, job.skipped) for job in world.pfs.list_jobs("web")]
    assert states == [("running", 0), ("success", 1), ("success", 1)]


def test_others_wait_until_it_is_given_back(
    world: PfsWorld, keeper: ServiceKeeper, launcher: HandLauncher
) -> None:
    other = ServiceKeeper(jobs=world.jobs, launcher=HandLauncher(), owner="you", key=WEB)
    keeper.turn()
    other.turn()
    assert other.launcher.launched == []  # type: ignore[attr-defined] # its own

    keeper.close()
    other.turn()

    assert launcher.alive == []
    assert other.launcher.alive == [world.ref("web")]  # type: ignore[attr-defined] # its own


@pytest.mark.parametrize("verb", ["stop", "update", "delete"])
def test_a_job_that_others_ended_is_served_no_more(
    world: PfsWorld, keeper: ServiceKeeper, launcher: HandLauncher, verb: str
) -> None:
    keeper.turn()
    first = world.ref("web")

    if verb == "stop":
        world.pfs.stop_pipeline("web")
    elif verb == "update":
        world.pfs.update_pipeline(spec("web", glob="/", service={"internal_port": 2}))
    else:
        world.pfs.delete_pipeline("web")
    keeper.turn()

    assert first not in launcher.alive
    assert len(launcher.alive) == (verb == "update")


def test_a_stopped_job_is_served_no_more_and_the_pipeline_says_so(
    world: PfsWorld, keeper: ServiceKeeper, launcher: HandLauncher
) -> None:
    assert world.pfs.inspect_pipeline("web").state == "starting"
    keeper.turn()
    world.pfs.stop_job(str(world.ref("web")))
    keeper.turn()

    found = world.pfs.inspect_pipeline("web")
    assert (found.state, found.reason) == (
        "starting",
        "its job was ended: the next one will be served",
    )
    assert launcher.alive == []
    world.pfs.rerun_pipeline("web")
    keeper.turn()
    assert launcher.alive == [world.ref("web")]
    keeper.close()
    assert "nobody keeps it up" in world.pfs.inspect_pipeline("web").reason


def test_several_datums_are_refused_in_one_sentence(
    world: PfsWorld, keeper: ServiceKeeper, launcher: HandLauncher
) -> None:
    world.put(b="2")
    world.pfs.update_pipeline(spec("web", glob="/*", service={"internal_port": 1}))

    keeper.turn()
    keeper.turn()

    assert launcher.alive == []
    job = world.pfs.list_jobs("web")[0]
    assert job.state == "failure"
    assert job.reason.startswith("a service serves one datum, and its input has 2: write the glob")
    found = world.pfs.inspect_pipeline("web")
    assert (found.state, found.reason) == ("crashing", job.reason)


def test_ordinary_schedulers_leave_its_jobs_alone(world: PfsWorld, keeper: ServiceKeeper) -> None:
    assert world.run() == []
    assert world.pfs.claim_job(owner="you") is None
    keeper.turn()
    assert world.run() == []
