from dataclasses import dataclass, field

import pytest

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.verbs.watching import Watcher
from tests.pfs_world import PfsWorld

SPEC = {
    "pipeline": {"name": "up"},
    "transform": {"cmd": ["copy"]},
    "input": {"pfs": {"repo": "in", "glob": "/*"}},
}


@dataclass
class Listener:
    told: list[str] = field(default_factory=list)
    deaf: bool = False

    def tell(self, job: JobRef) -> None:
        if self.deaf:
            raise UnavailableError(ErrorCode.WEBHOOK_UNAVAILABLE, "nobody listens")
        self.told.append(str(job))


def watcher(world: PfsWorld, listener: Listener, *, owner: str = "a") -> Watcher:
    return Watcher(jobs=world.jobs, target=listener, name="w", owner=owner)


def test_each_job_is_told_once_when_it_is_ready(world: PfsWorld) -> None:
    listener = Listener()
    watching = watcher(world, listener)
    world.pfs.create_pipeline(
        [
            SPEC,
            {**SPEC, "pipeline": {"name": "two"}, "input": {"pfs": {"repo": "up", "glob": "/*"}}},
        ]
    )
    watching.turn()
    assert listener.told == []

    change = world.put(a="1")
    watching.turn()
    watching.turn()
    assert listener.told == [f"up@{change}"]

    world.run()  # both; the second was ready in between
    second = world.put(a="2")
    watching.turn()
    assert listener.told == [f"up@{change}", f"up@{second}"]


def test_what_became_ready_while_nobody_watched_is_told_by_the_next(world: PfsWorld) -> None:
    world.pfs.create_pipeline(SPEC)
    change = world.put(a="1")
    listener = Listener()

    watcher(world, listener).turn()

    assert listener.told == [f"up@{change}"]


def test_a_job_that_is_given_back_is_told_again(world: PfsWorld) -> None:
    listener = Listener()
    watching = watcher(world, listener)
    world.pfs.create_pipeline(SPEC)
    world.put(a="1")
    watching.turn()
    job = world.pfs.claim_job("up", owner="x")
    assert job is not None
    watching.turn()

    world.pfs.give_back_job(f"up@{job.id}", owner="x")
    watching.turn()

    assert listener.told == [f"up@{job.id}"] * 2


def test_one_of_two_watchers_tells_and_the_other_takes_its_place(world: PfsWorld) -> None:
    heard = Listener(), Listener()
    first, second = (watcher(world, listener, owner=f"{n}") for n, listener in enumerate(heard))
    world.pfs.create_pipeline(SPEC)
    one = world.put(a="1")
    first.turn()
    second.turn()
    assert [listener.told for listener in heard] == [[f"up@{one}"], []]

    first.stop()
    second.turn()
    first.turn()

    assert heard[1].told == [f"up@{one}"]  # still nobody has begun it, so it is told
    assert heard[0].told == [f"up@{one}"]


def test_what_nobody_hears_is_told_again_after_longer_and_longer_pauses(world: PfsWorld) -> None:
    listener = Listener(deaf=True)
    watching = watcher(world, listener)
    world.pfs.create_pipeline(SPEC)
    change = world.put(a="1")

    pauses = [watching.turn() for _ in range(8)]
    listener.deaf = False
    watching.turn()

    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0
    assert listener.told == [f"up@{change}"]


def test_a_watch_ends_with_what_cannot_be_told_and_lets_others_in(world: PfsWorld) -> None:
    class Wrong:
        def tell(self, job: JobRef) -> None:
            raise RefusedError(ErrorCode.SETTINGS_ILLEGAL, f"{job}")

    world.pfs.create_pipeline(SPEC)
    world.put(a="1")
    with pytest.raises(RefusedError):
        world.pfs.watch(Wrong(), owner="a", name="w")

    listener = Listener()
    watcher(world, listener, owner="b").turn()
    assert len(listener.told) == 1
