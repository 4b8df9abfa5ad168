import pytest

from pfs_provider.catalog import jobs
from pfs_provider.errors import ConflictError, NotFoundError
from tests.catalog_world import NOBODY, World, pipe


def test_the_oldest_ready_job_is_handed_out_first(world: World) -> None:
    for name in ("P", "Q"):
        world.pipeline(name, "A")
    first = world.land("A").id
    world.land("A")

    claimed = [world.claim(owner) for owner in ("x", "y", "z")]

    assert [(job.pipeline.name, job.id) for job in claimed if job] == [("P", first), ("Q", first)]


def test_an_owner_with_two_pipelines_holds_a_job_of_each(world: World) -> None:
    for name in ("P", "Q"):
        world.pipeline(name, "A")
    change = world.land("A").id

    held = [world.claim("x", pipeline=pipe(name)) for name in ("P", "Q", "P")]

    assert [job and (job.pipeline.name, job.id) for job in held] == [
        ("P", change),
        ("Q", change),
        ("P", change),
    ]
    assert world.claim("x", job=NOBODY) is None


def test_an_unknown_job_is_not_found(world: World) -> None:
    with world.catalog.read() as tx:
        assert jobs.find_job(tx, pipe("P"), NOBODY) is None
        with pytest.raises(NotFoundError):
            jobs.get_job(tx, pipe("P"), NOBODY)
        assert jobs.list_jobs(tx, pipe("P")) == ()


def test_a_first_job_has_none_before_it(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id

    with world.catalog.read() as tx:
        assert jobs.previous_job(tx, pipe("P"), change) is None


def test_an_ended_job_cannot_be_stopped_or_renewed(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    world.work()

    with pytest.raises(ConflictError), world.act() as tx:
        jobs.stop_job(tx, pipe("P"), change)
    with pytest.raises(ConflictError), world.act() as tx:
        jobs.renew_lease(tx, pipe("P"), change, owner="me", lease_s=1)
    with world.act() as tx:
        assert jobs.release_job(tx, pipe("P"), change, owner="me").state == "success"
