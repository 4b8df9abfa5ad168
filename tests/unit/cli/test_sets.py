from datetime import UTC, datetime, timedelta

from pfs_provider.cli.sets import commit_sets, job_sets
from pfs_provider.infos import CommitInfo, JobInfo

AT = datetime(2026, 1, 2, tzinfo=UTC)


def commit(change: str, state: str, minute: int) -> CommitInfo:
    at = AT + timedelta(minutes=minute)
    return CommitInfo(
        project="default", repo="images", branch="master", id=change, parent=None, origin="user",
        state=state, started=at, finished=None if state == "open" else at, size=None, message="",
        error=None, provenance=(),
    )  # fmt: skip


def test_commits_of_one_change_are_one_set() -> None:
    found = [commit("b", "open", 3), commit("a", "finished", 2), commit("b", "finished", 1)]

    sets = list(commit_sets(found))

    assert [(one.id, one.members, one.done) for one in sets] == [("b", 2, 1), ("a", 1, 1)]
    assert (sets[0].created, sets[0].modified) == (
        AT + timedelta(minutes=1), AT + timedelta(minutes=3),
    )  # fmt: skip


def test_jobs_of_one_change_are_one_set() -> None:
    job = JobInfo(
        id="a", project="default", pipeline="edges", version=1, output_commit="", reason="",
        state="killed", created=AT, started=None, finished=AT, total=0, processed=0, skipped=0,
        recovered=0, failed=0,
    )  # fmt: skip

    (one,) = job_sets([job])

    assert (one.members, one.done) == (1, 1)
