"""How a standing pipeline is by now: what was noted of it last holds while somebody keeps it up.

Whoever keeps a command up notes how it is; one that was killed notes nothing more, but its lease
tells. Must not know: how commands are kept up.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog import leases, pipelines
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Pipeline
from pfs_provider.jobs.owners import is_dead
from pfs_provider.jobs.states import ACTIVE
from pfs_provider.jobs.upkeep import LEFT
from pfs_provider.refs.names import PipelineKey

__all__ = ["as_kept", "spout_lease"]

LIVELY = frozenset({"starting", "running", "crashing"})
SILENT = 0.5
"""Part of its lease that a holder who is well never lets pass without renewing it."""


def spout_lease(key: PipelineKey) -> str:
    """Return the name of the lease of whoever keeps a spout up."""
    return f"standing/{key.project}/{key.name}"


def as_kept(tx: Tx, found: Pipeline, *, lease_s: float) -> Pipeline:
    """Return a pipeline with the state that it has by now; only standing ones can differ.

    Without anybody who keeps it up it is ``starting``, and the reason says since when; while its
    keeper is silent the state is the last that is known, and the reason says as of when.

    Args:
        tx: The transaction.
        found: As it was noted, at its newest version or an older one.
        lease_s: How long leases of those who keep pipelines up are.
    """
    if found.kind == "transform" or found.stopped or found.state not in LIVELY:
        return found
    holder = _find_holder(tx, found)
    if holder is None or pipelines.get_pipeline(tx, found.key).version != found.version:
        return found
    seen = holder.until - timedelta(seconds=lease_s)
    if holder.until < tx.now or is_dead(holder.owner):
        reason = f"{LEFT.reason}; who did was last seen at {_text(seen)}"
        return replace(found, state=LEFT.state, reason=reason)
    if tx.now - seen > timedelta(seconds=lease_s * SILENT):
        as_of = f"as of {_text(seen)}: who keeps it up is silent since"
        return replace(found, reason=f"{found.reason}; {as_of}" if found.reason else as_of)
    return found


@dataclass(frozen=True, slots=True)
class _Holder:
    owner: str
    until: datetime


def _find_holder(tx: Tx, found: Pipeline) -> _Holder | None:
    """Return who kept it up last, None where that has given it back."""
    if found.kind == "spout":
        lease = leases.find_last_lease(tx, spout_lease(found.key))
        return None if lease is None else _Holder(lease.owner, lease.until)
    for job in job_rows.list_jobs(tx, found.key, states=ACTIVE):
        if job.owner is not None and job.lease_until is not None:
            return _Holder(job.owner, job.lease_until)
    return None


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
