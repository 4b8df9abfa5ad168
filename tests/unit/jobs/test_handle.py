"""The handle of the room."""

from pfs_provider.jobs.objects import JobObjects
from tests.pfs_world import PfsWorld


def test_the_handle_gives_what_the_verbs_need(world: PfsWorld) -> None:
    jobs = world.jobs

    assert jobs.storage is world.versions.storage
    assert jobs.clock is world.versions.clock
    assert isinstance(jobs.objects, JobObjects)
    assert jobs.lease_s > 0
