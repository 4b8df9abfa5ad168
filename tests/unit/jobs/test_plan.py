"""plan: from pinned inputs to datum sets."""

from typing import Any

import pytest

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.jobs.inputs import load_spec, pinned_inputs
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import PlanRecord, SetRecord, decode
from pfs_provider.storage.values import parse_tree_ref
from tests.pfs_world import PfsWorld, spec


def _plan(world: PfsWorld, document: dict[str, Any], **more: Any) -> tuple[JobRef, PlanRecord]:
    world.pfs.create_pipeline(document)
    job = world.claim(document["pipeline"]["name"])
    return job, plan_job(world.jobs, job, **more)


def _sets(world: PfsWorld, job: JobRef, plan: PlanRecord) -> list[list[str]]:
    found = []
    for number in range(len(plan.set_sizes)):
        key = job.set(plan.draft, number)
        record = decode(world.storage.store.read(key), SetRecord, name=key)
        found.append([piece.path for datum in record.datums for piece in datum.pieces])
    return found


def test_a_plan_holds_all_that_a_worker_needs(world: PfsWorld) -> None:
    change = world.put(a="1", b="2")
    document = spec(
        "up",
        "upper",
        transform={
            "stdin": ["x"], "env": {"K": "v"}, "accept_return_code": [3], "err_cmd": ["rest"],
            "err_stdin": ["y"], "user": "nobody", "working_dir": "/pfs", "image": "ubuntu:24.04",
        },
        datum_tries=5,
        datum_timeout="1m",
    )  # fmt: skip

    _, plan = _plan(world, document)

    command = plan.command
    assert (command.cmd, command.stdin, command.env) == (["upper"], ["x"], {"K": "v"})
    assert (command.err_cmd, command.err_stdin) == (["rest"], ["y"])
    assert (command.accept_codes, command.user, command.working_dir) == ([3], "nobody", "/pfs")
    assert (plan.tries, plan.datum_timeout_s, plan.total, plan.skipped) == (5, 60.0, 2, 0)
    ((branch, commit, tree),) = [(pin.branch, pin.commit, pin.tree) for pin in plan.inputs]
    assert (branch, commit) == ("default/in@master", change)
    assert parse_tree_ref(tree).n_files == 2


def test_planning_again_gives_the_same_plan_whatever_is_asked(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    job, first = _plan(world, spec("up"))

    assert plan_job(world.jobs, job, n_workers=7) == first
    assert read_plan(world.storage.store, job) == first


@pytest.mark.parametrize(
    ("wish", "sets"),
    [
        ({"number": 2}, [["/a", "/b"], ["/c", "/d"], ["/e"]]),
        ({"size_bytes": 3}, [["/a", "/b"], ["/c"], ["/d", "/e"]]),
        ({"per_worker": 1}, [["/a", "/b"], ["/c", "/d", "/e"]]),
    ],
)
def test_the_spec_says_how_datums_are_cut_into_sets(
    world: PfsWorld, wish: dict[str, int], sets: list[list[str]]
) -> None:
    world.put(a="1", b="22", c="333", d="", e="5")

    job, plan = _plan(world, spec("up", datum_set_spec=wish, parallelism_spec={"constant": 2}))

    assert _sets(world, job, plan) == sets


def test_no_more_workers_are_useful_than_there_are_sets(world: PfsWorld) -> None:
    world.put(a="1", b="2")

    _, plan = _plan(world, spec("up"), n_workers=50)

    assert plan.workers == 2


def test_a_datum_that_succeeded_before_is_skipped(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))
    world.run()
    world.put(c="3")
    job = world.claim("up")

    plan = plan_job(world.jobs, job)

    assert (plan.total, plan.skipped) == (3, 2)
    assert _sets(world, job, plan) == [["/c"]]


def test_a_glob_that_matches_nothing_gives_a_plan_without_work(world: PfsWorld) -> None:
    world.put(a="1")

    _, plan = _plan(world, spec("up", glob="/none*"))

    assert (plan.total, plan.set_sizes, plan.workers) == (0, [], 1)


def test_a_job_that_is_not_there_is_named(world: PfsWorld) -> None:
    job = parse_job_ref("up@0123456789ab4def8123456789abcdef")

    with pytest.raises(NotFoundError) as raised:
        plan_job(world.jobs, job)

    assert raised.value.code == ErrorCode.JOB_NOT_FOUND


def test_a_job_that_was_killed_is_not_planned(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")
    world.pfs.stop_job(str(job))

    with pytest.raises(ConflictError) as raised:
        plan_job(world.jobs, job)

    assert raised.value.code == ErrorCode.JOB_FINISHED


def test_a_job_runs_the_version_that_it_was_made_for(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "upper"))
    old = world.run_one()
    world.pfs.update_pipeline(spec("up", "copy"))

    with world.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, world.ref("up").pipeline, world.ref("up", old.id).id)

    assert load_spec(world.jobs, job)[0].transform.cmd == ("upper",)
    assert list(pinned_inputs(world.jobs, job.pins)) == ["default/in@master"]
