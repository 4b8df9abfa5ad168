"""Looking into jobs."""

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.jobs.inspection import get_job, list_datums, piece_files, preview_datums
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.records import PieceRecord
from pfs_provider.spec.load import load_specs
from tests.pfs_world import PfsWorld, spec


def test_a_job_has_no_datums_before_it_is_planned(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    assert list(list_datums(world.jobs, world.ref("up"))) == []


def test_datums_are_starting_until_their_set_has_a_result(world: PfsWorld) -> None:
    change = world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")
    plan_job(world.jobs, job)

    (datum,) = list_datums(world.jobs, job)

    assert (datum.state, datum.tries, datum.exit_code, datum.started) == ("starting", 0, None, None)
    assert datum.files == (f"in@{change}:/a",)
    assert datum.job == job.id


def test_every_state_is_shown_after_the_end(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=2))
    world.run()
    world.put(b="bad", c="3")
    job = world.run_one()

    found = {d.files[0].rpartition(":")[2]: d for d in list_datums(world.jobs, world.ref("up"))}

    assert {path: datum.state for path, datum in found.items()} == {
        "/a": "skipped", "/b": "failed", "/c": "success"
    }  # fmt: skip
    assert (found["/b"].tries, found["/b"].exit_code) == (2, 3)
    assert found["/a"].files[0].startswith(f"in@{job.id}:")


def test_folders_end_in_a_slash_and_other_projects_are_named() -> None:
    pieces = [
        PieceRecord("x", "default/in@master", "/d", is_dir=True),
        PieceRecord("y", "lab/other@dev", "/", is_dir=True),
        PieceRecord("z", "default/in@master", "/f", is_dir=False),
    ]

    assert piece_files(pieces, {"default/in@master": "1", "lab/other@dev": "2"}) == (
        "in@1:/d/", "lab/other@2:/", "in@1:/f"
    )  # fmt: skip


def test_a_preview_shows_the_heads_by_now_and_makes_nothing(world: PfsWorld) -> None:
    world.put(a="1")
    change = world.commit("in@master", {"/d/x": "2"})
    before = world.pfs.last_event_number()
    (loaded,) = load_specs(spec("up"))

    found = list(preview_datums(world.jobs, loaded.spec))

    assert [datum.files for datum in found] == [(f"in@{change}:/a",), (f"in@{change}:/d/",)]
    assert {datum.state for datum in found} == {"unknown"}
    assert world.pfs.last_event_number() == before


def test_a_preview_of_what_is_not_there_yet(world: PfsWorld) -> None:
    (empty,) = load_specs(spec("up"))
    (missing,) = load_specs(spec("up", repo="none"))

    assert list(preview_datums(world.jobs, empty.spec)) == []
    with pytest.raises(NotFoundError) as raised:
        list(preview_datums(world.jobs, missing.spec))
    assert raised.value.code == ErrorCode.REPO_NOT_FOUND


def test_a_job_that_is_not_there_is_named(world: PfsWorld) -> None:
    job = parse_job_ref("up@0123456789ab4def8123456789abcdef")

    for verb in (get_job, lambda *args: list(list_datums(*args))):
        with pytest.raises(NotFoundError) as raised:
            verb(world.jobs, job)
        assert raised.value.code == ErrorCode.JOB_NOT_FOUND
