from datetime import UTC, datetime
from typing import Any

import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.inputs import INPUT
from pfs_provider.spec.model import (
    CronInput,
    CrossInput,
    GroupInput,
    InputTrigger,
    JoinInput,
    PfsInput,
    UnionInput,
)
from pfs_provider.spec.spots import Notes, Spot
from tests.unit.spec.examples import pfs

IMAGES = PfsInput(name="images", project="vision", repo="images", glob="/*")


def _read(value: object) -> object:
    return INPUT.read(value, Spot("input", Notes(key=PipelineKey("vision", "edges"))))


def test_what_is_left_out_comes_from_repo_and_pipeline() -> None:
    assert _read(pfs()) == IMAGES


def test_every_field_of_a_pfs_input_is_read() -> None:
    given = pfs(
        project="other",
        branch="v1",
        name="x",
        join_on="$1",
        outer_join=True,
        group_by="$2",
        lazy=True,
        empty_files=True,
        reference=True,
        propagation_spec="NEVER",
        trigger={"branch": "staging", "size": "1K"},
    )

    assert _read(given) == PfsInput(
        name="x",
        project="other",
        repo="images",
        branch="v1",
        glob="/*",
        join_on="$1",
        outer_join=True,
        group_by="$2",
        lazy=True,
        empty_files=True,
        reference=True,
        propagate=False,
        trigger=InputTrigger(branch="staging", size="1K"),
    )


def test_an_s3_input_needs_no_glob() -> None:
    made = _read({"pfs": {"repo": "images", "s3": True}})

    assert isinstance(made, PfsInput)
    assert made.glob == "/"


@pytest.mark.parametrize(
    ("given", "branch", "watched"),
    [
        ({"trigger": {"commits": 2}}, "edges-trigger-1", "master"),
        ({"trigger": {"branch": "in", "commits": 2}}, "edges-trigger-1", "in"),
        ({"branch": "slow", "trigger": {"commits": 2}}, "slow", "master"),
    ],
)
def test_an_input_with_a_trigger_reads_a_branch_that_follows_another(
    given: dict[str, Any], branch: str, watched: str
) -> None:
    made = _read(pfs(**given))

    assert isinstance(made, PfsInput)
    assert (made.branch, made.trigger) == (branch, InputTrigger(branch=watched, commits=2))
    assert _read(INPUT.write(made)) == made


def test_a_cron_input_has_a_repo_of_the_pipelines_own() -> None:
    made = _read({"cron": {"name": "tick", "spec": "@daily", "start": "2024-05-01T00:00:00Z"}})

    assert made == CronInput(
        name="tick",
        project="vision",
        repo="edges_tick",
        spec="@daily",
        start=datetime(2024, 5, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("word", "kind"),
    [("cross", CrossInput), ("union", UnionInput), ("join", JoinInput), ("group", GroupInput)],
)
def test_a_combination_holds_its_parts_in_their_order(word: str, kind: type) -> None:
    made = _read({word: [pfs("a"), {word: [pfs("images")]}]})

    assert isinstance(made, kind)
    assert made.parts == (  # type: ignore[attr-defined]  # all four have parts
        PfsInput(name="a", project="vision", repo="a", glob="/*"),
        kind((IMAGES,)),
    )


@pytest.mark.parametrize(
    "value",
    [
        pfs(branch="v1", propagation_spec="never", trigger={"branch": "s", "commits": 2}),
        {"cron": {"name": "t", "spec": "@every 10m", "overwrite": True}},
        {"cross": [pfs("a"), {"union": [pfs("b"), pfs("c")]}]},
    ],
)
def test_what_is_written_reads_back(value: object) -> None:
    made = _read(value)

    assert _read(INPUT.write(made)) == made


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "input is null, but an object is wanted"),
        ({}, "input is empty"),
        ({**pfs(), "cross": []}, "input has 2 kinds (pfs, cross)"),
        ({"pfz": {}}, "input.pfz is no known kind of input: did you mean 'pfs'?"),
        ({"repo": "a"}, 'write "input": {"pfs": {"repo": …}}'),
        ({"git": {"URL": "x"}}, "input.git is not supported"),
        ({"cross": []}, "input.cross is the list []"),
        ({"cross": pfs()}, "a list of inputs is wanted"),
        ({"pfs": {"repo": "a"}}, "input.pfs.glob is missing"),
        ({"pfs": {"glob": "/"}}, "input.pfs.repo is missing"),
        (pfs(commit="x"), "pfs create branch"),
        (pfs("a/b"), 'a project goes into "project"'),
        (pfs("a b"), "letters, digits"),
        (pfs(branch="0" * 32), "input.pfs.branch: branch name"),
        (pfs(project="-"), "input.pfs.project: project name"),
        ({"cron": {"spec": "@daily"}}, "input.cron.name is missing"),
    ],
)
def test_a_wrong_input_is_refused(value: object, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        _read(value)

    assert message in str(caught.value)


def test_deep_and_wide_inputs_are_refused() -> None:
    deep: object = pfs()
    for _ in range(20):
        deep = {"cross": [deep]}
    wide = {"union": [{"union": [pfs()] * 100}] * 11}

    with pytest.raises(RefusedError, match="nested deeper than 16"):
        _read(deep)
    with pytest.raises(RefusedError, match="at most 1000"):
        _read(wide)
