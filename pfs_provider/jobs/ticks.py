"""Cron inputs: each tick is an empty file, named by its time, in a repo of the pipeline's own.

Invariant: a tick is put once, however many schedulers run: the last one is read and the next are
put under the catalog's write lock. Ticks that were missed are put together, in one commit, and a
tick that somebody asks for never hides one of them.
Must not know: how jobs are run.

Source: semantics of Pachyderm 2.x (catch-up from the last tick or ``start``; ``overwrite``).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pfs_provider.catalog import branches, pipelines, repos
from pfs_provider.catalog.crons import last_tick, next_tick
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Pipeline
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, PipelineKey
from pfs_provider.refs.paths import parse_path
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import CronInput, Input, PipelineSpec, iter_parts
from pfs_provider.storage.listing import list_folder
from pfs_provider.storage.values import TreeRef
from pfs_provider.versioning.drafts import Draft
from pfs_provider.versioning.landing import Landing, land_draft
from pfs_provider.versioning.trees import read_head
from pfs_provider.versioning.versions import Versions

__all__ = ["cron_inputs", "drop_cron_repos", "make_cron_repos", "put_due_ticks", "put_ticks_now"]

MAX_MISSED = 1000
"""Ticks put at once: of a longer absence only the latest count."""
ON_TIME = timedelta(minutes=1)
"""A later tick was missed, to an input that skips those; a scheduler looks every second."""


def cron_inputs(node: Input) -> Iterator[CronInput]:
    """Yield the cron inputs of an input, in the order of the spec."""
    if isinstance(node, CronInput):
        yield node
    for part in iter_parts(node):
        yield from cron_inputs(part)


def make_cron_repos(tx: Tx, spec: PipelineSpec) -> None:
    """Make the repos of a spec's cron inputs that are not there."""
    for cron in cron_inputs(spec.input):
        if repos.find_repo(tx, cron.files.repo_key) is None:
            text = f"ticks of pipeline {spec.key}"
            repos.create_repo(tx, cron.files.repo_key, description=text)


def drop_cron_repos(tx: Tx, spec: PipelineSpec) -> None:
    """Delete the repos of a spec's cron inputs; for when its pipeline is gone."""
    for cron in cron_inputs(spec.input):
        if repos.find_repo(tx, cron.files.repo_key) is not None:
            repos.delete_repo(tx, cron.files.repo_key)


def put_due_ticks(versions: Versions) -> list[BranchKey]:
    """Put the ticks that are due and return the branches that got some; each causes its jobs."""
    with versions.catalog.read() as tx:
        found = pipelines.list_pipelines(tx)
    ticked: list[BranchKey] = []
    for pipeline in found:
        if pipeline.stopped or '"cron"' not in pipeline.spec:
            continue
        inputs = cron_inputs(load_specs(pipeline.spec)[0].spec.input)
        ticked += [cron.files.branch_key for cron in inputs if _put_ticks(versions, pipeline, cron)]
    return ticked


def put_ticks_now(versions: Versions, tx: Tx, key: PipelineKey, change: CommitId) -> None:
    """Put one tick into each cron input of a pipeline, all of one change, whatever its schedule.

    The next tick is counted from this one where the schedule is ``@every``. What is due already is
    put with it, or it would count as put.

    Raises:
        NotFoundError: ``pipeline-not-found``; ``cron-not-found``: it has no cron input.
        ConflictError: ``in-use``: it is stopped.
    """
    pipeline = pipelines.get_pipeline(tx, key)
    crons = tuple(cron_inputs(load_specs(pipeline.spec)[0].spec.input))
    if not crons:
        raise NotFoundError(
            ErrorCode.CRON_NOT_FOUND,
            f"pipeline {key} has no cron input: `pfs rerun pipeline {key}` runs it once more",
            pipeline=str(key),
        )
    pipelines.check_started(pipeline)
    now = versions.clock.now()
    for cron in crons:
        branches.ensure_branch(tx, cron.files.branch_key)
        _, tree = read_head(versions, cron.files.branch_key)
        due = _due(versions, pipeline, cron, tree, now)
        _land_ticks(versions, tx, cron, tree, [*due, now], change)


def _put_ticks(versions: Versions, pipeline: Pipeline, cron: CronInput) -> bool:
    key = cron.files.branch_key
    now = versions.clock.now()
    if not _due(versions, pipeline, cron, read_head(versions, key)[1], now):
        return False
    with versions.catalog.write() as tx:
        branches.ensure_branch(tx, key)
        _, tree = read_head(versions, key)
        due = _due(versions, pipeline, cron, tree, now)
        if not due:
            return False  # another scheduler was faster
        _land_ticks(versions, tx, cron, tree, due, CommitId(versions.ids.new_id()))
    return True


def _land_ticks(  # noqa: PLR0917 what a commit of ticks is made of
    versions: Versions,
    tx: Tx,
    cron: CronInput,
    tree: TreeRef,
    ticks: list[datetime],
    change: CommitId,
) -> None:
    draft = Draft(versions.storage, tree)
    if cron.overwrite:
        if tree.n_files:
            draft.delete_file(parse_path("/"))
        ticks = ticks[-1:]
    for tick in ticks:
        draft.put_file(parse_path(_name(tick)), b"")
    landing = Landing(change, message="cron tick")
    land_draft(versions, cron.files.branch_key, draft, landing, tx=tx)


def _due(
    versions: Versions, pipeline: Pipeline, cron: CronInput, tree: TreeRef, now: datetime
) -> list[datetime]:
    put = [_time(item.path) for item in list_folder(versions.storage, tree, "/")]
    at = max(put, default=cron.start or pipeline.created)
    if cron.catchup != "all":
        tick = last_tick(cron.spec, after=at, until=now)
        is_due = tick is not None and (cron.catchup == "latest" or now - tick <= ON_TIME)
        return [tick] if tick is not None and is_due else []
    due: list[datetime] = []
    while (at := next_tick(cron.spec, at)) <= now:
        due.append(at)
    return due[-MAX_MISSED:]


def _name(tick: datetime) -> str:
    return tick.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _time(path: str) -> datetime:
    return datetime.fromisoformat(path.lstrip("/"))
