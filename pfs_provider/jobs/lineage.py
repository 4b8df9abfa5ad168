"""Provenance of single files: from an output file over its datum to the input files, and on."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog import lineage
from pfs_provider.catalog.values import Commit, Job
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import pinned_inputs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.memo import read_record
from pfs_provider.jobs.records import InputPin, MemoRecord, PieceRecord
from pfs_provider.refs.addresses import Address, parse_address
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey
from pfs_provider.storage.listing import find_item, iter_entries
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import find_entries, find_entry
from pfs_provider.storage.values import Entry, TreeRef, parse_tree_ref
from pfs_provider.versioning.trees import commit_tree, read_commit

__all__ = ["FileLink", "file_provenance", "file_subvenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """A file on the way from an output back to its sources, or forward again.

    ``file`` is ``repo@commit:/path``; ``datum`` and ``job`` are what made it, None for a user's
    file.
    """

    file: str
    project: str
    repo: str
    branch: str
    commit: str
    path: str
    type: str
    size: int
    digest: str
    datum: str | None
    job: str | None
    modified: datetime | None


def file_provenance(jobs: Jobs, address: Address) -> Iterator[FileLink]:
    """Yield the files that a file came from, transitively, nearest first.

    Raises:
        NotFoundError: ``file-not-found``.
    """
    commit, _ = read_commit(jobs.versions, address)
    if commit is None:
        raise _missing(address)
    entry = find_entry(jobs.storage, commit_tree(jobs.versions, commit), address.file_path)
    if entry is None:
        raise _missing(address)
    seen: set[str] = set()
    todo: deque[tuple[Commit, str, Entry]] = deque([(commit, address.file_path, entry)])
    while todo:
        made_in, path, file = todo.popleft()
        for link, source, source_entry in _sources(jobs, made_in, path, file):
            if link.file not in seen:
                seen.add(link.file)
                yield link
                todo.append((source, link.path, source_entry))


def file_subvenance(jobs: Jobs, address: Address) -> Iterator[FileLink]:
    """Yield the files that were made of a file, transitively, nearest first."""
    commit, _ = read_commit(jobs.versions, address)
    if commit is None:
        raise _missing(address)
    item = find_item(jobs.storage, commit_tree(jobs.versions, commit), address.file_path)
    if item is None:
        raise _missing(address)
    seen: set[str] = set()
    todo: deque[tuple[Commit, str]] = deque([(commit, item.path)])
    while todo:
        read, path = todo.popleft()
        for link, made in _results(jobs, read, path):
            if link.file not in seen:
                seen.add(link.file)
                yield link
                todo.append((made, link.path))


def _sources(
    jobs: Jobs, commit: Commit, made: str, file: Entry
) -> Iterator[tuple[FileLink, Commit, Entry]]:
    job = _job_of(jobs, commit)
    if job is None or job.manifest is None:
        return
    pins = pinned_inputs(jobs, job.pins)
    for piece in _pieces_of(jobs, parse_tree_ref(job.manifest), made, file):
        pin = pins.get(piece.branch)
        if pin is None:
            continue
        source = _commit(jobs, pin)
        tree = parse_tree_ref(pin.tree)
        if piece.is_dir:
            files = iter_entries(jobs.storage, tree, prefix=piece.path)
        else:
            entry = find_entry(jobs.storage, tree, piece.path)
            files = iter([] if entry is None else [(piece.path, entry)])
        for path, entry in files:
            yield _link(jobs, source, path, entry), source, entry


def _pieces_of(jobs: Jobs, manifest: TreeRef, made: str, file: Entry) -> Iterator[PieceRecord]:
    """Yield what the datums read that made a file: one, or several where pieces are joined."""
    if file.datum is not None:
        found = find_entry(jobs.storage, manifest, "/" + file.datum.hex())
        if found is not None:
            yield from read_record(jobs.storage, found).pieces
        return
    for _, entry in iter_entries(jobs.storage, manifest):
        record = read_record(jobs.storage, entry)
        if Rows.decode(record.rows).find(made.encode()) is not None:
            yield from record.pieces


def _results(jobs: Jobs, commit: Commit, path: str) -> Iterator[tuple[FileLink, Commit]]:
    with jobs.versions.catalog.read() as tx:
        readers = lineage.subvenance_of(tx, commit)
    for made in readers:
        branches = {
            pin.branch.full
            for pin in made.provenance
            if (pin.branch.repo, pin.id) == (commit.repo, commit.id)
        }
        job = _job_of(jobs, made) if branches else None
        if job is None or job.manifest is None:
            continue
        tree = commit_tree(jobs.versions, made)
        for _, found in iter_entries(jobs.storage, parse_tree_ref(job.manifest)):
            record = read_record(jobs.storage, found)
            if not _reads(record, branches, path):
                continue
            paths = [out for out, _ in Rows.decode(record.rows).entries()]
            for out, entry in zip(paths, find_entries(jobs.storage, tree, paths), strict=True):
                # Another datum's, or not there: overwritten, or the job failed.
                if entry is not None and entry.datum in {None, record.id}:
                    yield _link(jobs, made, out, entry), made


def _reads(record: MemoRecord, branches: set[str], path: str) -> bool:
    return any(
        piece.branch in branches
        and (piece.path in ("/", path) or path.startswith(piece.path.rstrip("/") + "/"))
        for piece in record.pieces
    )


def _job_of(jobs: Jobs, commit: Commit) -> Job | None:
    with jobs.versions.catalog.read() as tx:
        return job_rows.find_job(tx, PipelineKey(commit.repo.project, commit.repo.name), commit.id)


def _commit(jobs: Jobs, pin: InputPin) -> Commit:
    address = parse_address(pin.branch)
    commit, _ = read_commit(jobs.versions, Address(address.repo, None, CommitId(pin.commit)))
    if commit is None:
        raise _missing(address)
    return commit


def _link(jobs: Jobs, commit: Commit, path: str, entry: Entry) -> FileLink:
    job = _job_of(jobs, commit) if entry.datum else None
    return FileLink(
        file=f"{commit.repo}@{commit.id}:{path}",
        project=commit.repo.project,
        repo=commit.repo.name,
        branch=commit.branch,
        commit=commit.id,
        path=path,
        type="file",
        size=entry.size,
        digest=entry.digest.hex(),
        datum=entry.datum.hex() if entry.datum else None,
        job=None if job is None else str(JobRef(job.pipeline, job.id)),
        modified=entry.modified or commit.finished,
    )


def _missing(address: Address) -> NotFoundError:
    return NotFoundError(
        ErrorCode.FILE_NOT_FOUND, f"there is no file {address}", path=str(address.path)
    )
