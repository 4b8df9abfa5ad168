"""How a service or a spout is once the one who kept it up is gone without a word."""

import os
import subprocess
import sys

import pytest

from pfs_provider.catalog.leases import acquire_lease, release_lease
from pfs_provider.catalog.pipelines import get_pipeline
from pfs_provider.jobs.keepers import as_kept, spout_lease
from pfs_provider.jobs.service import ServiceKeeper
from pfs_provider.jobs.spout import SpoutKeeper
from pfs_provider.jobs.standing_notes import StandingNote, put_note
from pfs_provider.processes import name_machine, start_of
from pfs_provider.refs.names import PipelineKey
from tests.pfs_world import PfsWorld, spec
from tests.unit.jobs.hands import HandLauncher

TAP, WEB = PipelineKey("default", "tap"), PipelineKey("default", "web")


def _dead_owner() -> str:
    """A process of this machine that lived."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        return f"process:{name_machine()}:{child.pid}:{start_of(child.pid)}:0"


def _keep(world: PfsWorld, kind: str, owner: str) -> str:
    """Have an owner keep a pipeline up that runs; return the pipeline."""
    launcher = HandLauncher()
    keeper: ServiceKeeper | SpoutKeeper
    if kind == "spout":
        world.pfs.create_pipeline(
            {"pipeline": {"name": "tap"}, "transform": {"cmd": ["x"]}, "spout": {}}
        )
        keeper = SpoutKeeper(jobs=world.jobs, launcher=launcher, owner=owner, key=TAP)
    else:
        world.put(a="1")
        world.pfs.create_pipeline(spec("web", glob="/", service={"internal_port": 1}))
        keeper = ServiceKeeper(jobs=world.jobs, launcher=launcher, owner=owner, key=WEB)
    keeper.turn()
    put_note(world.jobs.objects, launcher.alive[0], StandingNote(state="down", reason="it fell"))
    keeper.turn()
    return keeper.key.name


@pytest.mark.parametrize("kind", ["spout", "service"])
def test_what_was_noted_holds_while_its_keeper_lives(world: PfsWorld, kind: str) -> None:
    name = _keep(world, kind, f"process:{name_machine()}:{os.getpid()}:{start_of(os.getpid())}:0")

    found = world.pfs.inspect_pipeline(name)

    assert (found.state, found.reason) == ("crashing", "it fell")
    assert world.pfs.list_pipelines() == [found]


@pytest.mark.parametrize("kind", ["spout", "service"])
def test_a_keeper_that_was_killed_is_missed_at_once(world: PfsWorld, kind: str) -> None:
    name = _keep(world, kind, _dead_owner())

    found = world.pfs.inspect_pipeline(name)

    assert found.state == "starting"
    assert found.reason.startswith("nobody keeps it up: `pfs run --watch` does; who did was last")
    assert found.reason.endswith("Z")
    assert world.pfs.list_pipelines() == [found]


def test_a_keeper_elsewhere_is_missed_when_its_lease_has_run_out(world: PfsWorld) -> None:
    name = _keep(world, "spout", "elsewhere")
    lease = spout_lease(TAP)

    with world.jobs.versions.catalog.write() as tx:
        release_lease(tx, lease, owner="elsewhere")
        acquire_lease(tx, lease, owner="elsewhere", lease_s=-1)

    found = world.pfs.inspect_pipeline(name)
    assert found.state == "starting"
    assert "nobody keeps it up" in found.reason


@pytest.mark.parametrize("kind", ["spout", "service"])
def test_of_a_silent_keeper_the_last_is_told_with_its_time(world: PfsWorld, kind: str) -> None:
    _keep(world, kind, "elsewhere")
    key = TAP if kind == "spout" else WEB

    with world.jobs.versions.catalog.read() as tx:
        # It holds a lease of 600 s, which would be one of 2000 s that was renewed 1400 s ago.
        found = as_kept(tx, get_pipeline(tx, key), lease_s=2000)

    assert found.state == "crashing"
    assert found.reason.startswith("it fell; as of ")


def test_a_version_of_the_past_is_as_it_was(world: PfsWorld) -> None:
    name = _keep(world, "spout", _dead_owner())
    update = {"pipeline": {"name": name}, "transform": {"cmd": ["y"]}, "spout": {}}
    world.pfs.update_pipeline(update)

    newest, before = world.pfs.list_pipelines(history=None)

    assert "nobody" in newest.reason
    assert "nobody" not in before.reason
    assert "nobody" not in world.pfs.inspect_pipeline("tap^").reason
