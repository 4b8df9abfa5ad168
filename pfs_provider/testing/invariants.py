"""What always holds in a catalog, whatever was done to it. Each law is one function.

The state is read through the public verbs; a law that does not hold raises AssertionError with what
it found. Must not know: tables.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pfs_provider.catalog import branches, commits, events, history, jobs, pipelines, repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Branch, Commit, Event, Job, Pipeline
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, RepoKey

__all__ = [
    "CATALOG_LAWS",
    "CatalogState",
    "check_catalog",
    "check_events_are_numbered",
    "check_heads_are_provenant",
    "check_history_is_linear",
    "check_job_counts_add_up",
    "check_jobs_match_commits",
    "check_jobs_run_on_ready_inputs",
    "check_open_commits_are_known",
    "check_pins_exist",
    "read_state",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogState:
    """All that the laws look at, read once."""

    commits: Mapping[tuple[RepoKey, CommitId], Commit]
    branches: Sequence[Branch]
    pipelines: Sequence[Pipeline]
    jobs: Sequence[Job]
    events: Sequence[Event]
    with_deltas: Collection[tuple[RepoKey, CommitId]]


def read_state(tx: Tx) -> CatalogState:
    """Read a whole catalog, which is for tests: it costs by all that ever happened."""
    keys = [repo.key for repo in repos.list_repos(tx)]
    found = {
        (commit.repo, commit.id): commit for key in keys for commit in history.list_commits(tx, key)
    }
    return CatalogState(
        commits=found,
        branches=[branch for key in keys for branch in branches.list_branches(tx, key)],
        pipelines=pipelines.list_pipelines(tx),
        jobs=jobs.list_jobs(tx),
        events=events.list_events(tx, limit=1_000_000),
        with_deltas={key for key in found if commits.list_deltas(tx, *key)},
    )


def _hold(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def check_history_is_linear(state: CatalogState) -> None:
    """Parents exist, there are no circles, and every head is a commit of its repo."""
    known = state.commits
    for commit in known.values():
        seen = {commit.id}
        parent = commit.parent
        while parent is not None:
            _hold((commit.repo, parent) in known, f"{commit.full}: parent {parent} is missing")
            _hold(parent not in seen, f"{commit.full}: its history is a circle")
            seen.add(parent)
            parent = known[commit.repo, parent].parent
    for branch in state.branches:
        _hold(
            branch.head is None or (branch.key.repo, branch.head) in known,
            f"{branch.key}: its head {branch.head} is missing",
        )


def check_pins_exist(state: CatalogState) -> None:
    """Every commit that was read still exists, and nothing reads a branch twice."""
    known = state.commits
    for commit in known.values():
        for pin in commit.provenance:
            _hold((pin.branch.repo, pin.id) in known, f"{commit.full}: {pin.full} is missing")
        read = Counter(pin.branch for pin in commit.provenance)
        if commit.origin == "auto":
            _hold(max(read.values(), default=1) == 1, f"{commit.full}: reads a branch twice")
            # One that has ended may have lost its inputs: a repo was deleted by force.
            _hold(bool(read) or commit.is_finished, f"{commit.full}: has no provenance")


def check_heads_are_provenant(state: CatalogState) -> None:
    """A head that provenance opened has read the heads of all branches that cause commits there."""
    known = state.commits
    quiet = _quiet_edges(state)
    heads = {branch.key: branch.head for branch in state.branches}
    for branch in state.branches:
        if branch.head is None:
            continue
        read = {(pin.branch, pin.id) for pin in known[branch.key.repo, branch.head].provenance}
        for key in branch.provenance:
            head = heads[key]
            if head is not None and (branch.key, key) not in quiet:
                _hold((key, head) in read, f"{branch.key}: head has not read {key}={head}")


def _quiet_edges(state: CatalogState) -> set[tuple[BranchKey, BranchKey]]:
    loud: set[tuple[BranchKey, BranchKey]] = set()
    quiet: set[tuple[BranchKey, BranchKey]] = set()
    for pipeline in state.pipelines:
        for item in pipeline.inputs:
            (loud if item.propagate else quiet).add((pipeline.output, item.branch))
    return quiet - loud


def check_open_commits_are_known(state: CatalogState) -> None:
    """A user's open commit is the one open commit of its branch, and the other way round."""
    known = state.commits
    opened = {
        (branch.key.repo, branch.open_commit): branch.key.name
        for branch in state.branches
        if branch.open_commit is not None
    }
    for (repo, id_), branch in opened.items():
        commit = known.get((repo, id_))
        if commit is None:
            raise AssertionError(f"{repo}@{branch}: open commit {id_} is missing")
        _hold((commit.state, commit.origin) == ("open", "user"), f"{commit.full} is not open")
    for key, commit in known.items():
        if commit.state == "open" and commit.origin == "user":
            _hold(key in opened, f"{commit.full} is open and no branch knows")
        if commit.is_finished:
            _hold(key not in state.with_deltas, f"{commit.full} is finished with deltas")


def check_jobs_match_commits(state: CatalogState) -> None:
    """A job has one output commit; both have ended or neither; only success is without error."""
    known = state.commits
    found = state.jobs
    _hold(
        max(Counter((job.pipeline, job.id) for job in found).values(), default=1) == 1,
        "a pipeline has two jobs of one id",
    )
    for job in found:
        commit = known.get((job.output.repo, job.id))
        if commit is None:
            raise AssertionError(f"{_name(job)}: no output commit")
        _hold(commit.provenance == job.pins, f"{_name(job)}: reads other commits than its output")
        _hold(job.has_ended == commit.is_finished, f"{_name(job)} {job.state}, {commit.state}")
        _hold((job.state == "success") == (commit.state == "finished"), f"{_name(job)} {job.state}")
        _hold((job.finished is not None) == job.has_ended, f"{_name(job)}: finish time")
        _hold(not (job.has_ended and job.owner), f"{_name(job)}: ended and held by {job.owner}")
    made = {(job.output.repo, job.id) for job in found}
    for pipeline in state.pipelines:
        for (repo, id_), commit in known.items():
            if repo == pipeline.key.repo and commit.origin == "auto" and not commit.is_finished:
                _hold((repo, id_) in made, f"{commit.full}: no job will finish it")


def check_jobs_run_on_ready_inputs(state: CatalogState) -> None:
    """No job runs before its inputs are finished without error, and none waits when they are."""
    known = state.commits
    for job in state.jobs:
        if job.has_ended:
            continue
        states = {known[pin.branch.repo, pin.id].state for pin in job.pins}
        _hold("error" not in states, f"{_name(job)}: {job.state} on an input with an error")
        is_ready = states == {"finished"}
        _hold(is_ready == (job.state != "created"), f"{_name(job)}: {job.state} on {states}")


def check_job_counts_add_up(state: CatalogState) -> None:
    """Processed, skipped, recovered and failed datums make the total of a job that has ended."""
    for job in state.jobs:
        _hold(not job.has_ended or job.counts.is_complete, f"{_name(job)}: {job.counts}")


def check_events_are_numbered(state: CatalogState) -> None:
    """Events are numbered 1, 2, 3, … and their times never go back."""
    found = state.events
    _hold([event.number for event in found] == list(range(1, len(found) + 1)), "gap in the events")
    for before, after in pairwise(found):
        _hold(before.at <= after.at, f"event {after.number} is older than {before.number}")


def _name(job: Job) -> str:
    return f"{job.pipeline}@{job.id}"


CATALOG_LAWS: Final[tuple[Callable[[CatalogState], None], ...]] = (
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
    state = read_state(tx)
    for law in CATALOG_LAWS:
        law(state)
