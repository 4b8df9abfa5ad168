"""Looking into jobs: their datums, and which file came from which datum."""

from collections.abc import Iterator

from pfs_provider.catalog import branches, repos
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import CommitPin, Job
from pfs_provider.datums.identity import datum_id
from pfs_provider.errors import NotFoundError
from pfs_provider.infos import DatumInfo
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import expand_inputs, pinned_inputs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.memo import read_record
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import PieceRecord, PlanRecord, SetRecord, SetResult, decode
from pfs_provider.jobs.ticks import cron_inputs
from pfs_provider.refs.addresses import Address
from pfs_provider.refs.names import DEFAULT_PROJECT
from pfs_provider.spec.model import PipelineSpec, pfs_inputs
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.values import parse_tree_ref
from pfs_provider.versioning.trees import read_commit

__all__ = ["get_job", "list_datums", "piece_files", "preview_datums"]


def get_job(jobs: Jobs, ref: JobRef) -> Job:
    """Return one job. Raises NotFoundError ``job-not-found``."""
    with jobs.versions.catalog.read() as tx:
        return job_rows.get_job(tx, ref.pipeline, ref.id)


def list_datums(jobs: Jobs, ref: JobRef) -> Iterator[DatumInfo]:
    """Yield a job's datums: those worked in set order, then those skipped.

    A datum without a result is ``starting`` while the job goes on; one that the job's end left so
    is ``failed``, with 0 tries, as the job's counts say. Nothing is yielded before the job is
    planned.
    """
    job = get_job(jobs, ref)
    plan = read_plan(jobs.objects, ref)
    if plan is None:
        return
    commits = {pin.branch: pin.commit for pin in plan.inputs}
    for number in range(len(plan.set_sizes)):
        yield from _set_datums(jobs, ref, plan, number, has_ended=job.has_ended)
    for _, entry in iter_entries(jobs.storage, parse_tree_ref(plan.skipped_tree)):
        record = read_record(jobs.storage, entry)
        yield DatumInfo(
            id=record.id.hex(),
            job=ref.id,
            state="skipped",
            files=piece_files(record.pieces, commits),
            tries=0,
            exit_code=None,
            started=None,
            finished=None,
        )


def preview_datums(jobs: Jobs, spec: PipelineSpec) -> Iterator[DatumInfo]:
    """Yield the datums that a spec would have on the inputs' heads by now; nothing is made."""
    inputs = pinned_inputs(jobs, _head_pins(jobs, spec))
    commits = {pin.branch: pin.commit for pin in inputs.values()}
    for datum in expand_inputs(jobs.storage, spec, inputs):
        pieces = [
            PieceRecord(piece.input, piece.branch.full, piece.path, piece.is_dir)
            for piece in datum.pieces
        ]
        yield DatumInfo(
            id=datum_id(datum).hex(),
            job="",
            state="unknown",
            files=piece_files(pieces, commits),
            tries=0,
            exit_code=None,
            started=None,
            finished=None,
        )


def _head_pins(jobs: Jobs, spec: PipelineSpec) -> list[CommitPin]:
    """Return the newest readable commit of each input branch that has one."""
    pins: list[CommitPin] = []
    own = {cron.files.repo_key for cron in cron_inputs(spec.input)}
    for part in pfs_inputs(spec.input):
        key = part.branch_key
        with jobs.versions.catalog.read() as tx:
            if key.repo not in own:  # those are made with the pipeline
                repos.get_repo(tx, key.repo)
            branch = branches.find_branch(tx, key)
        if branch is None or branch.head is None:
            continue
        commit, _ = read_commit(jobs.versions, Address(key.repo, key.name, None))
        if commit is not None:
            pins.append(CommitPin(branch=key, id=commit.id))
    return pins


def piece_files(pieces: list[PieceRecord], commits: dict[str, str]) -> tuple[str, ...]:
    """Return the files of a datum as ``repo@commit:/path``, directories ending in ``/``."""
    out: list[str] = []
    for piece in pieces:
        repo = piece.branch.rpartition("@")[0].removeprefix(f"{DEFAULT_PROJECT}/")
        path = piece.path.rstrip("/") + "/" if piece.is_dir else piece.path
        out.append(f"{repo}@{commits.get(piece.branch, '')}:{path}")
    return tuple(out)


def _set_datums(
    jobs: Jobs, ref: JobRef, plan: PlanRecord, number: int, *, has_ended: bool
) -> Iterator[DatumInfo]:
    commits = {pin.branch: pin.commit for pin in plan.inputs}
    store, key = jobs.objects, ref.result(number)
    try:
        result = decode(store.read(key), SetResult, name=key)
    except NotFoundError:
        key = ref.set(plan.draft, number)
        for datum in decode(store.read(key), SetRecord, name=key).datums:
            yield DatumInfo(
                id=datum.id.hex(),
                job=ref.id,
                state="failed" if has_ended else "starting",
                files=piece_files(datum.pieces, commits),
                tries=0,
                exit_code=None,
                started=None,
                finished=None,
            )
        return
    for done in result.datums:
        yield DatumInfo(
            id=done.id.hex(),
            job=ref.id,
            state=done.state,
            files=piece_files(done.pieces, commits),
            tries=done.tries,
            exit_code=done.exit_code,
            started=done.started,
            finished=done.finished,
        )
