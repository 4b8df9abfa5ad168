"""What the store tells of workers."""

from collections.abc import Iterator

import pytest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.plan import plan_job
from pfs_provider.k8s.signs import SignsOfLife
from pfs_provider.storage.stores.port import ObjectInfo
from tests.pfs_world import PfsWorld, spec


@pytest.fixture
def signs(world: PfsWorld) -> SignsOfLife:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")
    plan_job(world.jobs, job)
    return SignsOfLife(world.storage.store, job)


def test_a_beat_is_a_sign_and_the_same_beat_is_none(world: PfsWorld, signs: SignsOfLife) -> None:
    assert not signs.look()

    world.storage.store.replace(signs.job.beat("a"), b"1")
    assert signs.look()
    assert not signs.look()

    world.storage.store.replace(signs.job.beat("b"), b"1")
    assert signs.look()


def test_beats_of_workers_before_do_not_count(world: PfsWorld, signs: SignsOfLife) -> None:
    world.storage.store.replace(signs.job.beat("old"), b"1")

    signs.note()

    assert not signs.look()


def test_a_store_that_does_not_answer_says_nothing(signs: SignsOfLife) -> None:
    class Away:
        def list(self, prefix: str) -> Iterator[ObjectInfo]:
            raise UnavailableError(ErrorCode.STORE_UNAVAILABLE, "no answer")

    signs.store = Away()  # type: ignore[assignment] # all that is asked of it here

    assert not signs.look()


def test_workers_have_nothing_to_do_when_all_is_done_or_the_job_is_over(
    world: PfsWorld, signs: SignsOfLife
) -> None:
    assert not signs.is_over()

    world.storage.store.create(signs.job.result(0), b"x")
    assert signs.is_over()

    world.storage.store.delete([signs.job.result(0)])
    world.storage.store.create(signs.job.stop, b"stopped by a user")
    assert signs.is_over()
