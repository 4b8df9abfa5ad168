"""Whose logs are meant. What the newest job skipped: tests/unit/verbs/test_jobs.py."""

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.jobs.log_selection import select_logs
from pfs_provider.refs.names import DEFAULT_PROJECT, PipelineKey
from tests.pfs_world import PfsWorld, spec

UP = PipelineKey(DEFAULT_PROJECT, "up")


@pytest.fixture
def ids(world: PfsWorld) -> dict[str, str]:
    """The datums of one job by the top folder that each is."""
    world.commit("in@master", {"/a/1": "", "/a/2": "", "/b/1": ""})
    world.pfs.create_pipeline(spec("up", "rest", glob="/*/"))
    world.run()
    datums = world.pfs.list_datums(str(world.ref("up")))
    return {datum.files[0].partition(":")[2]: datum.id for datum in datums}


@pytest.mark.parametrize(
    "named", ["/a/1", "/a", "/a/", "in:/a/1", "default/in:/a", "in@{commit}:/a/2"]
)
def test_a_file_means_the_datums_that_are_hold_or_lie_in_it(
    world: PfsWorld, ids: dict[str, str], named: str
) -> None:
    text = named.format(commit=world.pfs.inspect_commit("in@master").id)

    (found,) = select_logs(world.jobs, UP, inputs=[text])

    assert found.job == world.ref("up")
    assert found.datums == frozenset({ids["/a/"]})


@pytest.mark.parametrize("inputs", [["/c"], ["other:/a"], ["/a", "/b"], ["in@master:/a"]])
def test_files_that_no_datum_has_are_not_found(
    world: PfsWorld, ids: dict[str, str], inputs: list[str]
) -> None:
    assert len(ids) == 2

    with pytest.raises(NotFoundError, match=inputs[0]) as raised:
        select_logs(world.jobs, None, inputs=inputs)

    assert raised.value.code == ErrorCode.DATUM_NOT_FOUND
    assert len(select_logs(world.jobs, UP, inputs=["/"])[0].datums or ()) == 2


def test_a_datum_that_printed_nothing_is_no_error(world: PfsWorld, ids: dict[str, str]) -> None:
    (found,) = select_logs(world.jobs, UP, datum=ids["/b/"])
    assert found.datums == frozenset({ids["/b/"]})
    (found,) = select_logs(world.jobs, None, job=world.ref("up"), datum=ids["/b/"])
    assert found.datums == frozenset({ids["/b/"]})


def test_what_is_not_there_is_not_found(world: PfsWorld) -> None:
    with pytest.raises(NotFoundError) as raised:
        select_logs(world.jobs, UP)
    assert raised.value.code == ErrorCode.PIPELINE_NOT_FOUND
    with pytest.raises(NotFoundError) as raised:
        select_logs(world.jobs, None)
    assert raised.value.code == ErrorCode.JOB_NOT_FOUND
    with pytest.raises(RefusedError) as refused:
        select_logs(world.jobs, None, inputs=["in:a"])
    assert refused.value.code == ErrorCode.PATH_ILLEGAL
