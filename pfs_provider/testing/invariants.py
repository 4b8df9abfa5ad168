"""What always holds in a catalog, whatever was done to it. Each law is one function.

Every function takes a transaction, reads through the public verbs, and raises AssertionError with
what it found. Must not know: tables.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from pfs_provider.catalog import branches, commits, events, history, jobs, pipelines, repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import ACTIVE_JOB_STATES, Branch, Commit, Job
from pfs_provider.refs.names import BranchKey, RepoKey

__all__ = [
    "CATALOG_LAWS",
    "check_catalog",
    "check_events_are_numbered",
    "check_heads_are_provenant",
    "check_history_is_linear",
    "check_job_counts_add_up",
    "check_jobs_match_commits",
    "check_jobs_run_on_ready_inputs",
    "check_open_commits_are_known",
    "check_pins_exist",
]


def _all_commits(tx: Tx) -> dict[tuple[RepoKey, str], Commit]:
    return {
        (commit.repo, commit.id): commit
        for repo in repos.list_repos(tx)
        for commit in history.list_commits(tx, repo.key)
    }


def _all_branches(tx: Tx) -> Iterator[Branch]:
    for repo in repos.list_repos(tx):
        yield from branches.list_branches(tx, repo.key)


def check_history_is_linear(tx: Tx) -> None:
    """Parents exist, there are no circles, and every head is a commit of its repo."""
    known = _all_commits(tx)
    for commit in known.values():
        seen = {commit.id}
        parent = commit.parent
        while parent is not None:
            assert (commit.repo, parent) in known, f"{commit.full}: parent {parent} is missing"
            assert parent not in seen, f"{commit.full}: its history is a circle"
            seen.add(parent)
            parent = known[commit.repo, parent].parent
    for branch in _all_branches(tx):
        assert branch.head is None or (branch.key.repo, branch.head) in known, (
            f"{branch.key}: its head {branch.head} is missing"
        )


def check_pins_exist(tx: Tx) -> None:
    """Every commit that was read still exists, and nothing reads a branch twice."""
    known = _all_commits(tx)
    for commit in known.values():
        for pin in commit.provenance:
            assert (pin.branch.repo, pin.id) in known, f"{commit.full}: {pin.full} is missing"
        if commit.origin == "auto":
            read = Counter(pin.branch for pin in commit.provenance)
            assert read, f"{commit.full}: opened by provenance, but has none"
            assert max(read.values()) == 1, f"{commit.full}: reads a branch twice"


def check_heads_are_provenant(tx: Tx) -> None:
    """A head that provenance opened has read the heads of all branches that cause commits there."""
    known = _all_commits(tx)
    quiet = _quiet_edges(tx)
    heads = {branch.key: branch.head for branch in _all_branches(tx)}
    for branch in _all_branches(tx):
        if branch.head is None:
            continue
        read = {(pin.branch, pin.id) for pin in known[branch.key.repo, branch.head].provenance}
        for key in branch.provenance:
            head = heads[key]
            if head is not None and (branch.key, key) not in quiet:
                assert (key, head) in read, f"{branch.key}: head has not read {key}={head}"


def _quiet_edges(tx: Tx) -> set[tuple[BranchKey, BranchKey]]:
    loud: set[tuple[BranchKey, BranchKey]] = set()
    quiet: set[tuple[BranchKey, BranchKey]] = set()
    for pipeline in pipelines.list_pipelines(tx):
        for item in pipeline.inputs:
            (loud if item.propagate else quiet).add((pipeline.output, item.branch))
    return quiet - loud


def check_open_commits_are_known(tx: Tx) -> None:
    """A user's open commit is the one open commit of its branch, and the other way round."""
    known = _all_commits(tx)
    opened = {
        (branch.key.repo, branch.open_commit): branch.key.name
        for branch in _all_branches(tx)
        if branch.open_commit is not None
    }
    for (repo, id_), branch in opened.items():
        commit = known.get((repo, id_))
        assert commit is not None, f"{repo}@{branch}: open commit {id_} is missing"
        assert (commit.state, commit.origin) == ("open", "user"), f"{commit.full} is not open"
    for key, commit in known.items():
        if commit.state == "open" and commit.origin == "user":
            assert key in opened, f"{commit.full} is open and no branch knows"
        if commit.is_finished:
            assert not commits.list_deltas(tx, *key), f"{commit.full} is finished with deltas"


def check_jobs_match_commits(tx: Tx) -> None:
    """A job has one output commit, and both have ended or neither; only success is without error."""
    known = _all_commits(tx)
    found = jobs.list_jobs(tx)
    assert max(Counter((job.pipeline, job.id) for job in found).values(), default=1) == 1
    for job in found:
        commit = known.get((job.output.repo, job.id))
        assert commit is not None, f"{_name(job)}: no output commit"
        assert commit.provenance == job.pins, f"{_name(job)}: reads other commits than its output"
        assert job.has_ended == commit.is_finished, f"{_name(job)} {job.state}, {commit.state}"
        assert (job.state == "success") == (commit.state == "finished"), f"{_name(job)} {job.state}"
        assert (job.finished is not None) == job.has_ended, f"{_name(job)}: finish time"
        assert not (job.has_ended and job.owner), f"{_name(job)}: ended and held by {job.owner}"
    made = {(job.output.repo, job.id) for job in found}
    for pipeline in pipelines.list_pipelines(tx):
        for (repo, id_), commit in known.items():
            if repo == pipeline.key.repo and commit.origin == "auto" and not commit.is_finished:
                assert (repo, id_) in made, f"{commit.full}: no job will finish it"


def check_jobs_run_on_ready_inputs(tx: Tx) -> None:
    """No job runs before its inputs are finished without error, and none waits when they are."""
    known = _all_commits(tx)
    for job in jobs.list_jobs(tx, states=ACTIVE_JOB_STATES):
        states = {known[pin.branch.repo, pin.id].state for pin in job.pins}
        assert "error" not in states, f"{_name(job)}: {job.state} on an input with an error"
        is_ready = states == {"finished"}
        assert is_ready == (job.state != "created"), f"{_name(job)}: {job.state} on {states}"


def check_job_counts_add_up(tx: Tx) -> None:
    """Processed, skipped, recovered and failed datums make the total of a success."""
    for job in jobs.list_jobs(tx, states=("success",)):
        assert job.counts.is_complete, f"{_name(job)}: {job.counts}"


def check_events_are_numbered(tx: Tx) -> None:
    """Events are numbered 1, 2, 3, … and their times never go back."""
    found = events.list_events(tx, limit=1_000_000)
    assert [event.number for event in found] == list(range(1, len(found) + 1)), "gap in the events"
    for before, after in zip(found, found[1:], strict=False):
        assert before.at <= after.at, f"event {after.number} is older than {before.number}"


def _name(job: Job) -> str:
    return f"{job.pipeline}@{job.id}"


CATALOG_LAWS: Final[tuple[Callable[[Tx], None], ...]] = (
    check_history_is_linear,
    check_pins_exist,
    check_heads_are_provenant,
    check_open_commits_are_known,
    check_jobs_match_commits,
    check_jobs_run_on_ready_inputs,
    check_job_counts_add_up,
    check_events_are_numbered,
)


def check_catalog(tx: Tx) -> None:
    """Check every law."""
    for law in CATALOG_LAWS:
        law(tx)
