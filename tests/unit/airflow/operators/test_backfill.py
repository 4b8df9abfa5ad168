from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.airflow.operators.backfill import PfsBackfillOperator
from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.specs import spec


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        yield opened


@pytest.fixture
def commits(pfs: Pfs) -> list[str]:
    """Three commits, and a pipeline that came after them."""
    made = [pfs.put_file("images@master:/a", text).id for text in (b"1", b"2", b"3")]
    pfs.create_pipeline(spec("copy", "images"))
    return made


def _backfill(**arguments: Any) -> list[str]:
    operator = PfsBackfillOperator(task_id="backfill", **{"pipeline": "copy"} | arguments)
    return operator.execute(task_context())


def test_each_commit_of_the_history_has_its_output_under_its_own_id(
    pfs: Pfs, commits: list[str]
) -> None:
    assert _backfill() == commits

    done = PfsPipelineOperator(task_id="run", pipeline="copy_history").execute(task_context())

    assert done == [f"default/copy_history@{commit}" for commit in commits]
    outputs = [pfs.read_file(f"copy_history@{commit}:/a") for commit in commits]
    assert outputs == [b"1", b"2", b"3"]
    assert list(pfs.inspect_commit(f"copy_history@{commits[0]}").provenance) == [
        f"default/images@{commits[0]}"
    ]


def test_the_branch_and_the_pipeline_themselves_are_left_alone(
    pfs: Pfs, commits: list[str]
) -> None:
    _backfill()

    assert pfs.inspect_branch("images@master").head == commits[-1]
    assert len(pfs.list_jobs("copy")) == 1
    assert pfs.inspect_pipeline("copy").version == 1


def test_again_only_what_is_new_gets_a_job(pfs: Pfs, commits: list[str]) -> None:
    assert _backfill(until=commits[1]) == commits[:2]
    assert _backfill() == commits[2:]
    assert _backfill() == []
    new = pfs.put_file("images@master:/b", b"x").id
    assert _backfill() == [new]


def test_a_piece_of_the_history_and_another_name_can_be_chosen(
    pfs: Pfs, commits: list[str]
) -> None:
    assert _backfill(since=commits[1], until=commits[1], into="old") == [commits[1]]
    assert [job.id for job in pfs.list_jobs("old")] == [commits[1]]


def test_of_several_inputs_one_is_named_and_the_others_are_read_as_they_are(
    pfs: Pfs, commits: list[str]
) -> None:
    pfs.create_repo("labels")
    label = pfs.put_file("labels@master:/l", b"new").id
    pfs.create_pipeline(spec("both", "images", "labels"))

    with pytest.raises(AirflowFailException, match="images@master, labels@master"):
        _backfill(pipeline="both")
    with pytest.raises(AirflowFailException, match="does not read edges@master"):
        _backfill(pipeline="both", source="edges@master", until="")

    assert _backfill(pipeline="both", source="images@master") == commits
    inputs = set(pfs.inspect_commit(f"both_history@{commits[0]}").provenance)
    assert inputs == {f"default/images@{commits[0]}", f"default/labels@{label}"}


def test_what_is_not_there_is_named(commits: list[str]) -> None:
    with pytest.raises(AirflowException, match="nowhere"):
        _backfill(pipeline="nowhere")
    with pytest.raises(AirflowException, match="f" * 32):
        _backfill(since="f" * 32)
