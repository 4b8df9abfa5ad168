"""What a job reads."""

import pytest

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Job
from pfs_provider.datums.changes import find_changed
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.jobs.inputs import expand_inputs, input_side, load_spec, pinned_inputs
from tests.pfs_world import PfsWorld, spec


def _job(world: PfsWorld, id_: str | None = None) -> Job:
    ref = world.ref("up", id_)
    with world.versions.catalog.read() as tx:
        return job_rows.get_job(tx, ref.pipeline, ref.id)


def test_a_job_reads_the_commits_that_it_was_opened_for(world: PfsWorld) -> None:
    first = world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = _job(world)
    world.put(b="2")

    made, memo = load_spec(world.jobs, job)
    pins = pinned_inputs(world.jobs, job.pins)

    assert ([pin.commit for pin in pins.values()], memo) == ([first], None)
    assert [d.pieces[0].path for d in expand_inputs(world.storage, made, pins)] == ["/a"]
    assert list(expand_inputs(world.storage, made, {})) == []


def test_sides_tell_what_came_and_what_went(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))
    one = _job(world)
    world.put(b=None, c="3")
    two = _job(world)
    made, _ = load_spec(world.jobs, two)
    old, new = (pinned_inputs(world.jobs, job.pins) for job in (one, two))
    was, now = input_side(world.storage, old, new, {}), input_side(world.storage, new, old, {})

    assert [d.pieces[0].path for d in find_changed(made.input, now, was)] == ["/c"]
    assert [d.pieces[0].path for d in find_changed(made.input, was, now)] == ["/b"]


def test_a_commit_that_was_deleted_is_missing(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = _job(world)
    world.pfs.delete_pipeline("up")
    world.pfs.delete_repo("in")

    with pytest.raises(NotFoundError) as caught:
        pinned_inputs(world.jobs, job.pins)

    assert caught.value.code in {ErrorCode.COMMIT_NOT_FOUND, ErrorCode.REPO_NOT_FOUND}
