"""Which datums a plan looks at; that the others need no look is in tests/property."""

from typing import Any

import pytest

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.jobs.candidates import Candidates, find_candidates
from pfs_provider.jobs.inputs import load_spec, pinned_inputs
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
