from dataclasses import replace
from datetime import UTC, datetime

from pfs_provider.airflow.progress import ProgressText, job_reference
from pfs_provider.infos import JobInfo

JOB = JobInfo(
    id="a" * 32, project="default", pipeline="edges", version=1, output_commit="edges@" + "a" * 32,
    state="running", reason="", created=datetime(2026, 11, 1, tzinfo=UTC), started=None,
    finished=None, total=3, processed=1, skipped=2, recovered=0, failed=0,
)  # fmt: skip


def test_progress_is_processed_plus_skipped_of_total() -> None:
    assert ProgressText().line(JOB) == f"edges@{'a' * 32} running 1 + 2 / 3"


def test_a_line_is_said_once() -> None:
    text = ProgressText()

    lines = [text.line(JOB), text.line(JOB), text.line(replace(JOB, state="success"))]

    assert [line is None for line in lines] == [False, True, False]


def test_what_went_wrong_is_said() -> None:
    line = ProgressText().line(replace(JOB, state="failure", failed=1, reason="datum failed"))

    assert line is not None
    assert line.endswith("failure 1 + 2 / 3, 1 failed: datum failed")


def test_a_project_other_than_the_default_is_named() -> None:
    assert job_reference(replace(JOB, project="lab")) == f"lab/edges@{'a' * 32}"
