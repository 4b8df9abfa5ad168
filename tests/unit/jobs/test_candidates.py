"""Which datums a plan looks at; that the others need no look is in tests/property."""

from typing import Any

import pytest
from msgspec.structs import replace

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.jobs import inputs
from pfs_provider.jobs.candidates import Candidates, find_candidates
from pfs_provider.jobs.inputs import load_spec, pinned_inputs
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import encode
from tests.pfs_world import PfsWorld, spec

SIDE = {"pfs": {"repo": "side", "glob": "/*"}}
IN = {"pfs": {"repo": "in", "glob": "/*"}}


@pytest.fixture
def worked(world: PfsWorld) -> PfsWorld:
    """A pipeline that has worked three files."""
    world.put(a="1", b="2", c="3")
    world.pfs.create_pipeline(spec("up"))
    world.run_one()
    return world


def _look(world: PfsWorld) -> Candidates:
    ref = world.claim("up")
    with world.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, ref.pipeline, ref.id)
    made, _ = load_spec(world.jobs, job)
    return find_candidates(world.jobs, job, made, pinned_inputs(world.jobs, job.pins))


def _n_kept(found: Candidates) -> int:
    return found.manifest.n_files - len(list(found.gone))


def _paths(found: Candidates) -> list[str]:
    return [piece.path for datum in found.datums for piece in datum.pieces]


def test_the_first_job_looks_at_all(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))

    found = _look(world)

    assert (_paths(found), _n_kept(found)) == (["/a", "/b"], 0)


def test_a_job_looks_at_what_differs_from_the_job_before(worked: PfsWorld) -> None:
    worked.put(a="new", b=None, d="4")

    found = _look(worked)

    gone = list(found.gone)
    assert (_paths(found), len(gone), found.manifest.n_files - len(gone)) == (["/a", "/d"], 2, 1)


def test_a_failed_job_in_between_is_looked_past(worked: PfsWorld) -> None:
    worked.pfs.update_pipeline(spec("up", "picky"))
    worked.run_one()
    worked.put(d="bad")
    assert worked.run_one().state == "failure"
    worked.put(d="good", e="5")

    assert _paths(_look(worked)) == ["/d", "/e"]


@pytest.mark.parametrize(
    "changed",
    [
        spec("up", "upper"),
        spec("up", reprocess_spec="every_job"),
        spec("up", s3_out=True),
        spec("up", glob="/**"),
        spec("up", input={"cross": [IN, SIDE]}),
    ],
    ids=["code", "every job", "bucket", "glob", "input"],
)
def test_what_decides_all_results_makes_a_job_look_at_all(
    worked: PfsWorld, changed: dict[str, Any]
) -> None:
    worked.pfs.create_repo("side")
    worked.commit("side@master", {"/s": "1"})
    worked.pfs.update_pipeline(changed)

    found = _look(worked)

    assert (len(list(found.datums)), _n_kept(found)) == (3, 0)


def test_a_change_of_the_spec_that_decides_no_result_does_not(worked: PfsWorld) -> None:
    worked.pfs.update_pipeline(spec("up", datum_tries=7))

    found = _look(worked)

    assert (_paths(found), _n_kept(found)) == ([], 3)


def test_after_a_recovered_datum_a_job_looks_at_all(world: PfsWorld) -> None:
    world.put(a="bad", b="2")
    world.pfs.create_pipeline(spec("up", "picky", transform={"err_cmd": ["rest"]}))
    assert world.run_one().recovered == 1
    world.put(c="3")

    assert _paths(_look(world)) == ["/a", "/b", "/c"]


ENDS = {
    "join": [
        {"pfs": {"repo": "in", "name": "one", "glob": "/*-(?)", "join_on": "$1"}},
        {"pfs": {"repo": "in", "name": "two", "glob": "/(?)-*", "join_on": "$1"}},
    ]
}


@pytest.mark.parametrize("forgotten", [False, True], ids=["index", "a plan of before indexes"])
def test_a_join_whose_keys_end_the_paths_looks_at_those_that_differ(
    world: PfsWorld, monkeypatch: pytest.MonkeyPatch, *, forgotten: bool
) -> None:
    monkeypatch.setattr(inputs, "SEEK_FILES", 0)
    world.commit("in@master", {"/a-a": "1", "/a-b": "2", "/b-a": "3", "/b-c": "4", "/z-z": "5"})
    world.pfs.create_pipeline(spec("up", input=ENDS, output_conflict="overwrite"))
    assert world.run_one().state == "success"
    if forgotten:
        ref = world.ref("up")
        plan = read_plan(world.jobs.objects, ref)
        assert plan is not None
        assert len(plan.key_indexes) == 1
        world.jobs.objects.replace(ref.plan, encode(replace(plan, key_indexes={})))
    world.commit("in@master", {"/a-b": None, "/c-b": "5"})

    found = _look(world)

    pairs = [[piece.path for piece in datum.pieces] for datum in found.datums]
    with_a = [["/a-a", "/a-a"], ["/b-a", "/a-a"]]
    assert pairs == [*with_a, ["/c-b", "/b-a"], ["/c-b", "/b-c"], ["/b-c", "/c-b"]]
    assert _n_kept(found) == 1
    assert len(found.indexes) == 1
