"""Keeping a lease while work takes its time."""

from dataclasses import replace

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Job
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.leases import keep_lease
from tests.pfs_world import PfsWorld, spec


def _get(world: PfsWorld, job: JobRef) -> Job:
    with world.versions.catalog.read() as tx:
        return job_rows.get_job(tx, job.pipeline, job.id)


def test_a_lease_is_renewed_until_the_block_ends(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")
    jobs = replace(world.jobs, lease_s=0.2)
    first = _get(world, job).lease_until
    assert first is not None

    told: list[str] = []
    with keep_lease(jobs, job, "test", lambda: told.append("renewed")) as lost:
        renewed = first
        while renewed == first:
            assert not lost.wait(0.02)
            found = _get(world, job).lease_until
            assert found is not None
            renewed = found

    assert not lost.is_set()
    assert told


def test_a_lease_is_lost_when_the_job_ends_elsewhere(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")

    with keep_lease(replace(world.jobs, lease_s=0.1), job, "test") as lost:
        world.pfs.stop_job(str(job))

        assert lost.wait(10)
