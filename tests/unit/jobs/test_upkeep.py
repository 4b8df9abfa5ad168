"""One worker that keeps a command up."""

import socket
from dataclasses import replace

import pytest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.jobs.standing_notes import StandingNote, put_note
from pfs_provider.jobs.upkeep import FIRST_PAUSE_S, Condition, Upkeep
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import Service
from tests.catalog_world import HandClock
from tests.pfs_world import PfsWorld, spec
from tests.unit.jobs.hands import HandLauncher

REF = JobRef(PipelineKey("default", "web"), CommitId("a" * 32))


@pytest.fixture
def launcher() -> HandLauncher:
    return HandLauncher()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def upkeep(world: PfsWorld, launcher: HandLauncher, clock: HandClock) -> Upkeep:
    document = spec("web", service={"internal_port": 1})
    jobs = replace(world.jobs, versions=replace(world.versions, clock=clock))
    made = Upkeep(jobs=jobs, launcher=launcher, ref=REF, spec=load_specs(document)[0].spec)
    made.begin()
    return made


def test_a_command_is_up_when_its_port_answers(world: PfsWorld, upkeep: Upkeep) -> None:
    with socket.create_server(("localhost", 0)) as server:
        upkeep.spec = replace(upkeep.spec, service=Service(internal_port=server.getsockname()[1]))

        assert (upkeep.look(), upkeep.is_staged) == (Condition("starting"), False)
        put_note(world.jobs.objects, REF, StandingNote(state="staged"))
        assert (upkeep.look(), upkeep.is_staged) == (Condition("starting"), True)
        put_note(world.jobs.objects, REF, StandingNote(state="up", n_starts=1))
        assert upkeep.look() == Condition("running")
        put_note(world.jobs.objects, REF, StandingNote(state="down", reason="it fell", n_starts=1))
        assert upkeep.look() == Condition("crashing", "it fell")


def test_a_command_that_never_answers_is_in_trouble_after_a_while(
    world: PfsWorld, upkeep: Upkeep, clock: HandClock
) -> None:
    put_note(world.jobs.objects, REF, StandingNote(state="up", n_starts=1))

    assert upkeep.look() == Condition("starting")
    clock.sleep(31)
    assert upkeep.look() == Condition("crashing", "it runs, but port 1 does not answer")


def test_a_lost_worker_is_replaced_after_a_pause_that_grows(
    upkeep: Upkeep, launcher: HandLauncher, clock: HandClock
) -> None:
    for number in range(3):
        launcher.launched[-1].state = WorkersState(alive=0, problem="it was killed")
        assert upkeep.look() == Condition("crashing", "it was killed")
        assert launcher.launched[-1].stopped

        clock.sleep(FIRST_PAUSE_S * 2**number - 0.1)
        assert upkeep.look() == Condition("crashing", "it was killed")
        assert len(launcher.launched) == number + 1
        clock.sleep(0.2)
        assert upkeep.look() == Condition("starting")
        assert len(launcher.launched) == number + 2


def test_what_cannot_be_started_is_told_and_tried_again(
    upkeep: Upkeep, launcher: HandLauncher, clock: HandClock
) -> None:
    upkeep.stop()
    launcher.error = UnavailableError(ErrorCode.SANDBOX_UNAVAILABLE, "no podman here")

    assert upkeep.look() == Condition("crashing", "no podman here")
    launcher.error = None
    clock.sleep(2)
    assert upkeep.look() == Condition("starting")
