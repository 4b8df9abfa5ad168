from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from pfs_provider import infos
from pfs_provider.cli.columns import COLUMNS, Now, columns_of, row_of
from pfs_provider.cli.sets import CommitSet, JobSet
from pfs_provider.infos import CommitInfo, JobInfo
from pfs_provider.jobs.lineage import FileLink
from pfs_provider.verbs.transactions import TransactionInfo

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW = Now(at=AT + timedelta(minutes=3))
KINDS = [getattr(infos, name) for name in infos.__all__]


def test_every_kind_that_is_listed_has_its_columns() -> None:
    kinds = [*KINDS, FileLink, TransactionInfo, CommitSet, JobSet]

    assert {kind.__name__ for kind in kinds} - {"RunCommitInfo"} == COLUMNS.keys()
    assert columns_of(infos.RunCommitInfo) == COLUMNS["CommitInfo"]
    assert all(fields(kind) for kind in kinds)


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        ("RepoInfo", "PROJECT NAME CREATED SIZE (MASTER) DESCRIPTION"),
        ("BranchInfo", "BRANCH HEAD TRIGGER"),
        ("CommitInfo", "PROJECT REPO COMMIT FINISHED SIZE ORIGIN DESCRIPTION"),
        ("CommitSet", "ID SUBCOMMITS PROGRESS CREATED MODIFIED"),
        ("FileInfo", "SIZE NAME"),
        ("DiffInfo", "OP SIZE NAME"),
        ("PipelineInfo", "PROJECT NAME VERSION INPUT CREATED STATE / LAST JOB"),
        ("JobInfo", "PROJECT PIPELINE ID STARTED DURATION PROGRESS STATE"),
        ("JobSet", "ID SUBJOBS PROGRESS CREATED MODIFIED"),
        ("DatumInfo", "ID FILES STATUS TIME"),
        ("TransactionInfo", "TRANSACTION STARTED OPS"),
    ],
)
def test_headings_are_those_that_users_know(kind: str, headings: str) -> None:
    assert " ".join(COLUMNS[kind]) == headings


def test_a_running_job_shows_its_time_and_counts_so_far() -> None:
    job = JobInfo(
        id="1" * 32, project="default", pipeline="edges", version=1, output_commit="", reason="",
        state="running", created=AT, started=AT, finished=None, total=3, processed=1, skipped=2,
        recovered=0, failed=0,
    )  # fmt: skip

    row = row_of(job, ["DURATION", "PROGRESS", "STATE"], NOW)

    assert row == ["3 minutes", "1 + 2 / 3", "running"]


def test_a_message_of_several_lines_stays_on_one() -> None:
    commit = CommitInfo(
        project="default", repo="images", branch="master", id="1" * 32, parent=None,
        origin="user", state="open", started=AT, finished=None, size=None, message="one\ntwo",
        error=None, provenance=(),
    )  # fmt: skip

    row = row_of(commit, ["COMMIT", "FINISHED", "SIZE", "DESCRIPTION"], NOW)

    assert row == [f"master={'1' * 32}", "open", "-", "one two"]


def test_times_are_full_when_asked_for() -> None:
    assert Now(at=AT, full=True).text(AT) == "2026-01-02T03:04:05Z"
    assert NOW.text(AT) == "3 minutes ago"
