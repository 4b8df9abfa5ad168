"""One spout: its command is kept up, and commits by itself. It has no jobs.

Whoever has the lease of its name keeps it up. Invariant: one scheduler at a time.
Must not know: how commands are run, what they commit.
"""

import hashlib
from dataclasses import dataclass

from pfs_provider.catalog import leases, pipelines
from pfs_provider.catalog.standing import note_standing
from pfs_provider.catalog.values import Pipeline
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keepers import spout_lease
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Launcher
from pfs_provider.jobs.log_rules import masked_variables
from pfs_provider.jobs.owners import is_dead
from pfs_provider.jobs.plan import make_command
from pfs_provider.jobs.records import DatumRecord, PlanRecord, SetRecord, TarSpout, encode
from pfs_provider.jobs.upkeep import LEFT, Condition, Upkeep
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.values import EMPTY_TREE

__all__ = ["SpoutKeeper", "find_spout", "spout_ref"]

RENEWALS_PER_LEASE = 4
_DRAFT = "0" * 32


def spout_ref(pipeline: Pipeline) -> JobRef:
    """Return where the plan and the log of a spout's version lie, as if it were a job's."""
    text = f"spout {pipeline.key} {pipeline.version} {pipeline.created.isoformat()}"
    return JobRef(pipeline.key, CommitId(hashlib.sha256(text.encode()).hexdigest()[:32]))


def find_spout(jobs: Jobs, key: PipelineKey) -> JobRef | None:
    """Return where the newest version's log lies, None for a pipeline that is no spout.

    Raises:
        NotFoundError: ``pipeline-not-found``.
    """
    with jobs.versions.catalog.read() as tx:
        found = pipelines.get_pipeline(tx, key)
    return spout_ref(found) if found.kind == "spout" else None


@dataclass(slots=True, kw_only=True)
class SpoutKeeper:
    """Keeps one spout up. One thread.

    Args:
        jobs: Where.
        launcher: How its worker is started.
        owner: Who has the lease.
        key: Which pipeline.
    """

    jobs: Jobs
    launcher: Launcher
    owner: str
    key: PipelineKey
    _upkeep: Upkeep | None = None
    _version: int = 0
    _renew_at: float = 0.0
    _told: Condition | None = None

    def turn(self) -> None:
        """Have the lease, start what ended, tell how it is."""
        if not self._hold():
            self._end()
            return
        with self.jobs.versions.catalog.read() as tx:
            found = pipelines.find_pipeline(tx, self.key)
        if found is None or found.stopped or found.kind != "spout":
            self._end()
            return
        if self._upkeep is None or found.version != self._version:
            self._end()
            self._begin(found)
        assert self._upkeep is not None  # noqa: S101 begun just now
        condition = self._upkeep.look()
        if condition != self._told:
            with self.jobs.versions.catalog.write() as tx:
                note_standing(tx, self.key, self._version, condition.state, condition.reason)
            self._told = condition

    def close(self) -> None:
        """End the command and let others have the pipeline."""
        was_up = self._upkeep is not None
        self._end()
        with self.jobs.versions.catalog.write() as tx:
            leases.release_lease(tx, self._lease, owner=self.owner)
            if was_up:
                note_standing(tx, self.key, self._version, LEFT.state, LEFT.reason)

    @property
    def _lease(self) -> str:
        return spout_lease(self.key)

    def _hold(self) -> bool:
        """Return whether this owner has the lease; take it where nobody has."""
        now = self.jobs.clock.monotonic()
        if self._upkeep is not None and now < self._renew_at:
            return True
        with self.jobs.versions.catalog.write() as tx:
            holder = leases.find_lease(tx, self._lease)
            if holder is not None and is_dead(holder.owner):
                leases.release_lease(tx, self._lease, owner=holder.owner)
            is_mine = leases.acquire_lease(
                tx, self._lease, owner=self.owner, lease_s=self.jobs.lease_s
            )
        self._renew_at = now + self.jobs.lease_s / RENEWALS_PER_LEASE
        return is_mine

    def _begin(self, pipeline: Pipeline) -> None:
        spec = load_specs(pipeline.spec)[0].spec
        ref = spout_ref(pipeline)
        self._plan(ref, pipeline, spec)
        self._upkeep = Upkeep(jobs=self.jobs, launcher=self.launcher, ref=ref, spec=spec)
        self._version, self._told = pipeline.version, None
        self._upkeep.begin()
        self._upkeep.release()

    def _plan(self, ref: JobRef, pipeline: Pipeline, spec: PipelineSpec) -> None:
        """Store what its worker reads: one datum without files."""
        datum = DatumRecord(id=bytes.fromhex(ref.id)[:16], key=b"", pieces=[])
        self.jobs.objects.replace(ref.set(_DRAFT, 0), encode(SetRecord(datums=[datum])))
        plan = PlanRecord(
            project=self.key.project,
            pipeline=self.key.name,
            spec_version=pipeline.version,
            job=ref.id,
            command=make_command(spec),
            tries=1,
            datum_timeout_s=None,
            inputs=[],
            total=1,
            skipped=0,
            draft=_DRAFT,
            set_sizes=[1],
            workers=1,
            skipped_tree=EMPTY_TREE.text,
            max_log_bytes=self.jobs.log_rules.max_bytes,
            # The catalog is told to the command with its password.
            tars=_tars(spec, self.key),
            masked=["PFS_CATALOG", *masked_variables(spec, self.jobs.log_rules)],
        )
        self.jobs.objects.replace(ref.plan, encode(plan))

    def _end(self) -> None:
        if self._upkeep is not None:
            self._upkeep.stop()
            self._upkeep = None


def _tars(spec: PipelineSpec, key: PipelineKey) -> TarSpout:
    branch = f"{key}@{spec.output_branch}"
    spout = spec.spout
    if spout is None:
        return TarSpout(branch=branch)
    return TarSpout(
        branch=branch,
        is_only_way=spout.is_old,
        overwrite=bool(spout.overwrite),
        marker=spout.marker,
    )
