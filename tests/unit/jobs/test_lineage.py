"""Provenance of single files, back and forth."""

from collections.abc import Iterable
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.jobs.lineage import FileLink, file_provenance, file_subvenance
from pfs_provider.refs.addresses import parse_address
from tests.pfs_world import PfsWorld, spec


def _files(links: Iterable[FileLink]) -> list[str]:
    """``repo:/path`` of each link."""
    return [f"{link.repo}:{link.path}" for link in links]


def _back(world: PfsWorld, address: str) -> list[str]:
    return _files(file_provenance(world.jobs, parse_address(address)))


def _forth(world: PfsWorld, address: str) -> list[str]:
    return _files(file_subvenance(world.jobs, parse_address(address)))


@pytest.fixture
def chain(world: PfsWorld) -> str:
    world.pfs.create_pipeline(spec("one", "upper"))
    world.pfs.create_pipeline(spec("two", "join", repo="one", glob="/"))
    change = world.commit("in@master", {"/a": "1", "/d/x": "2", "/d/y": "3"})
    world.run()
    return change


def test_a_file_leads_back_over_all_jobs_nearest_first(world: PfsWorld, chain: str) -> None:
    assert _back(world, "two@master:/all") == [
        "one:/a", "one:/d/x", "one:/d/y", "in:/a", "in:/d/x", "in:/d/y"
    ]  # fmt: skip
    assert _back(world, "one@master:/d/x") == ["in:/d/x", "in:/d/y"]
    assert _back(world, "one@master:/a") == ["in:/a"]


def test_a_users_file_came_from_nothing(world: PfsWorld, chain: str) -> None:
    assert _back(world, "in@master:/a") == []


def test_a_file_leads_forth_over_all_jobs(world: PfsWorld, chain: str) -> None:
    assert _forth(world, "in@master:/a") == ["one:/a", "two:/all"]
    assert _forth(world, "in@master:/d/x") == ["one:/d/x", "one:/d/y", "two:/all"]
    assert _forth(world, "two@master:/all") == []


def test_links_say_which_datum_and_job_made_them(world: PfsWorld, chain: str) -> None:
    one, *_, source = file_provenance(world.jobs, parse_address("two@master:/all"))

    assert one.job == f"one@{chain}"
    assert one.datum == world.pfs.inspect_file("one@master:/a").datum
    assert (source.job, source.datum) == (None, None)
    assert source.file == f"in@{chain}:/d/y"


def test_files_of_skipped_datums_keep_their_provenance(world: PfsWorld, chain: str) -> None:
    change = world.put(b="new")
    world.run()

    links = list(file_provenance(world.jobs, parse_address("one@master:/a")))

    assert [link.file for link in links] == [f"in@{change}:/a"]


def test_a_pipeline_pointed_at_another_repo_of_equal_content_forgets_the_old_one(
    world: PfsWorld,
) -> None:
    world.pfs.create_repo("other")
    world.put(a="1")
    change = world.put("other@master", a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()
    named: dict[str, Any] = {"pfs": {"repo": "other", "name": "in", "glob": "/*"}}
    world.pfs.update_pipeline(spec("up", input=named))
    job = world.run_one()

    assert (job.skipped, job.total) == (1, 1)
    (link,) = file_provenance(world.jobs, parse_address("up@master:/a"))
    assert link.file == f"other@{change}:/a"
    assert world.states(f"up@{job.id}") == {"/a": "skipped"}
    assert _forth(world, "other@master:/a") == ["up:/a"]


@pytest.mark.parametrize(
    ("policy", "sources", "results"),
    [("overwrite", ["in:/e/x"], []), ("concat", ["in:/d/x", "in:/e/x"], ["up:/all"])],
)
def test_a_shared_path_leads_to_those_that_made_it(
    world: PfsWorld, policy: str, sources: list[str], results: list[str]
) -> None:
    world.commit("in@master", {"/d/x": "1", "/e/x": "2"})
    world.pfs.create_pipeline(spec("up", "join", glob="/*/x", output_conflict=policy))
    world.run()

    assert sorted(_back(world, "up@master:/all")) == sources
    assert _forth(world, "in@master:/d/x") == results
    assert _forth(world, "in@master:/e/x") == ["up:/all"]


@pytest.mark.parametrize("address", ["in@master:/none", "in@empty:/a"])
def test_a_file_that_is_not_there_is_named(world: PfsWorld, address: str) -> None:
    world.put(a="1")
    world.pfs.create_branch("in@empty")

    for verb in (file_provenance, file_subvenance):
        with pytest.raises(NotFoundError) as raised:
            list(verb(world.jobs, parse_address(address)))
        assert raised.value.code == ErrorCode.FILE_NOT_FOUND
