"""What must be as if nothing had happened: a whole engine, told in values that can be compared."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from pfs_provider.catalog import history, pipelines, repos
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Commit, Job
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import SetResult, decode
from pfs_provider.pfs import Pfs
from pfs_provider.refs.addresses import parse_address
from pfs_provider.refs.names import RepoKey
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.values import parse_tree_ref
from pfs_provider.testing.invariants import check_catalog
from pfs_provider.versioning.trees import open_tree, read_commit

__all__ = ["differing", "portrait_of"]

CAUSED = {"commit-started", "commit-finished", "commit-deleted", "branch-moved", "branch-changed"}
"""Events that happen once, however often a job is tried."""


def portrait_of(pfs: Pfs, jobs: Jobs) -> dict[str, Any]:
    """Tell of everything: history, files byte by byte, jobs, datums, results, memo, events.

    Ids are told too, so two engines are alike only if their commits were given the same ids.

    Raises:
        AssertionError: A law of the catalog is broken, or a datum has two results.
    """
    with jobs.versions.catalog.read() as tx:
        check_catalog(tx)
        keys = {repo.key.name: repo.key for repo in repos.list_repos(tx)}
        memos = {found.key.name: found.memo for found in pipelines.list_pipelines(tx)}
        all_jobs = job_rows.list_jobs(tx)
        commits = {name: _history(tx, key) for name, key in keys.items()}
        opened = [
            _logical(open_tree(jobs.versions, tx, commit).text)
            for key in keys.values()
            for commit in history.list_commits(tx, key)
            if commit.state == "open" and commit.origin == "user"
        ]
    refs = [JobRef(job.pipeline, job.id) for job in all_jobs]
    return {
        "history": commits,
        "opened": opened,
        "branches": {
            name: [(branch.name, branch.head) for branch in pfs.list_branches(name)]
            for name in keys
        },
        "files": {name: _files(jobs, f"{name}@master") for name in keys},
        "jobs": [_job(job) for job in all_jobs],
        "datums": {str(ref): _datums(pfs, str(ref)) for ref in refs},
        "results": [_results(jobs, ref) for ref in refs],
        "memo": {name: _paths(jobs.storage, memo) for name, memo in memos.items()},
        "manifests": [_paths(jobs.storage, job.manifest) for job in all_jobs],
        "events": [
            (event.kind, event.repo, event.branch, event.commit, event.state)
            for event in pfs.list_events(limit=100_000)
            if event.kind in CAUSED
        ],
    }


def differing(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return what is not as expected, both sides of it."""
    return {
        name: (value, expected[name]) for name, value in found.items() if value != expected[name]
    }


def _history(tx: Tx, key: RepoKey) -> list[tuple[Any, ...]]:
    return [_commit(commit) for commit in history.list_commits(tx, key)]


def _commit(commit: Commit) -> tuple[Any, ...]:
    where = commit.id, commit.branch, commit.parent, commit.origin, commit.provenance
    what = commit.state, commit.message, commit.error
    return *where, *what, _logical(commit.tree), commit.n_files, commit.size


def _job(job: Job) -> tuple[Any, ...]:
    return str(job.pipeline), job.id, job.state, job.reason, job.counts, job.owner


def _datums(pfs: Pfs, job: str) -> Sequence[tuple[Any, ...]]:
    found = pfs.list_datums(job)
    return sorted((datum.id, datum.state, datum.files, datum.tries) for datum in found)


def _files(jobs: Jobs, branch: str) -> list[tuple[str, str]]:
    _, tree = read_commit(jobs.versions, parse_address(branch))
    return [
        (path, blake2b(b"".join(read_entry(jobs.storage, entry))).hexdigest())
        for path, entry in iter_entries(jobs.storage, tree)
    ]


def _logical(tree: str) -> str:
    return parse_tree_ref(tree).logical.hex() if tree else ""


def _results(jobs: Jobs, ref: JobRef) -> list[str] | None:
    """Return the datums that a job's results tell of: each set once, each datum once."""
    plan = read_plan(jobs.objects, ref)
    if plan is None:
        return None
    keys = [info.key for info in jobs.objects.list(ref.results)]
    assert keys == [ref.result(number) for number in range(len(keys))], keys
    found = [decode(jobs.objects.read(key), SetResult, name=key) for key in keys]
    datums = [datum.id.hex() for result in found for datum in result.datums]
    assert len(datums) == len(set(datums)), datums
    return sorted(datums)


def _paths(storage: Storage, tree: str | None) -> list[str]:
    if tree is None:
        return []
    return [path for path, _ in iter_entries(storage, parse_tree_ref(tree))]
