"""One service: its newest job's datum is served, and served anew when there is a newer job.

A job of a service is at work as long as its data is served. It ends as a success when a newer one
takes its place; whoever holds the job keeps the service up. Invariants: of two jobs' commands one
runs at a time; the older one runs on until the files of the newer one are there.
Must not know: how commands are run, who else keeps services.
"""

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.standing import find_newer_job, note_standing
from pfs_provider.catalog.values import Counts, Job
from pfs_provider.errors import ConflictError, NotFoundError
from pfs_provider.jobs.ending import send_home
from pfs_provider.jobs.finish import fail_job
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import load_spec
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Launcher
from pfs_provider.jobs.leases import keep_lease
from pfs_provider.jobs.owners import is_dead
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.states import ACTIVE
from pfs_provider.jobs.upkeep import LEFT, Condition, Upkeep
from pfs_provider.refs.names import PipelineKey
from pfs_provider.storage.values import EMPTY_TREE

__all__ = ["ServiceKeeper"]

STOPPED = Condition("starting", "its job was ended: the next one will be served")

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Served:
    """A job whose data is served, and what holds its lease."""

    job: Job
    upkeep: Upkeep
    lost: Event
    lease: ExitStack

    @property
    def ref(self) -> JobRef:
        return self.upkeep.ref


@dataclass(slots=True, kw_only=True)
class ServiceKeeper:
    """Keeps one service up. One thread.

    Args:
        jobs: Where.
        launcher: How its workers are started.
        owner: Who holds its jobs.
        key: Which pipeline.
    """

    jobs: Jobs
    launcher: Launcher
    owner: str
    key: PipelineKey
    _served: _Served | None = None
    _before: _Served | None = None
    _told: Condition | None = field(default=None)

    def turn(self) -> None:
        """Take up the newest job, start what ended, tell how it is."""
        if self._served is not None and not self._goes_on(self._served):
            self._drop(self._served)
            self._note(self._served.job.version, STOPPED)
            self._served = None
        if self._served is not None and self._is_superseded(self._served.job):
            self._replace(self._served)
        if self._served is None:
            self._take()
        if self._served is not None:
            self._follow(self._served)

    def close(self) -> None:
        """End the command and let others have the job."""
        if self._before is not None:
            self._drop(self._before)
            self._before = None
        if self._served is not None:
            ref, version = self._served.ref, self._served.job.version
            self._drop(self._served)
            self._served = None
            with self.jobs.versions.catalog.write() as tx:
                job_rows.release_job(tx, ref.pipeline, ref.id, owner=self.owner)
            self._note(version, LEFT)

    def _goes_on(self, served: _Served) -> bool:
        """Return whether the job is ours still."""
        try:
            with self.jobs.versions.catalog.read() as tx:
                job = job_rows.get_job(tx, self.key, served.job.id)
        except NotFoundError:
            return False
        return not job.has_ended and job.owner == self.owner and not served.lost.is_set()

    def _is_superseded(self, job: Job) -> bool:
        with self.jobs.versions.catalog.read() as tx:
            return find_newer_job(tx, job) is not None

    def _replace(self, served: _Served) -> None:
        """End the job, but not yet its command."""
        served.lease.close()
        self._finish(served.ref, Counts(total=1, processed=1))
        if self._before is not None:  # two commits in a row: the newer one never got up
            served.upkeep.stop()
        else:
            self._before = served
        self._served = None

    def _take(self) -> None:
        while (job := self._claim()) is not None:
            ref = JobRef(self.key, job.id)
            if not self._is_superseded(job):
                self._begin(job, ref)
                return
            self._finish(ref, Counts(total=1, skipped=1))

    def _claim(self) -> Job | None:
        catalog = self.jobs.versions.catalog
        with catalog.read() as tx:
            held = job_rows.list_jobs(tx, self.key, states=ACTIVE)
            dead = [job for job in held if job.owner is not None and is_dead(job.owner)]
            if not dead and not job_rows.list_ready(tx, self.key, kind="service"):
                return None
        with catalog.write() as tx:
            for job in dead:
                job_rows.release_job(tx, self.key, job.id, owner=job.owner or "")
            return job_rows.claim_job(
                tx, owner=self.owner, lease_s=self.jobs.lease_s, pipeline=self.key, kind="service"
            )

    def _begin(self, job: Job, ref: JobRef) -> None:
        spec, _ = load_spec(self.jobs, job)
        lease = ExitStack()
        lost = lease.enter_context(keep_lease(self.jobs, ref, self.owner))
        try:
            plan = plan_job(self.jobs, ref)
            if plan.total != 1:
                self._refuse(job, ref, plan.total)
                lease.close()
                return
            upkeep = Upkeep(jobs=self.jobs, launcher=self.launcher, ref=ref, spec=spec)
            upkeep.begin()
        except BaseException:
            lease.close()
            raise
        self._served = _Served(job=job, upkeep=upkeep, lost=lost, lease=lease)

    def _refuse(self, job: Job, ref: JobRef, n_datums: int) -> None:
        """Fail a job that cannot be served, nor may what was served before it."""
        if self._before is not None:
            self._drop(self._before)
            self._before = None
        reason = (
            f"a service serves one datum, and its input has {n_datums}: "
            'write the glob "/", which makes all files one datum'
        )
        with self.jobs.versions.catalog.write() as tx:
            fail_job(tx, ref, reason)
            note_standing(tx, self.key, job.version, "crashing", reason)
        send_home(self.jobs, ref, reason)

    def _follow(self, served: _Served) -> None:
        upkeep = served.upkeep
        if not upkeep.is_released and (self._before is None or upkeep.is_staged):
            if self._before is not None:
                self._drop(self._before)
                self._before = None
            upkeep.release()
        condition = upkeep.look()
        if condition != self._told:
            self._note(served.job.version, condition)
            self._told = condition

    def _note(self, version: int, condition: Condition) -> None:
        with self.jobs.versions.catalog.write() as tx:
            note_standing(tx, self.key, version, condition.state, condition.reason)

    def _finish(self, ref: JobRef, counts: Counts) -> None:
        try:
            with self.jobs.versions.catalog.write() as tx:
                job_rows.finish_job(
                    tx,
                    ref.pipeline,
                    ref.id,
                    state="success",
                    counts=counts,
                    tree=EMPTY_TREE.text,
                    n_files=0,
                    size=0,
                )
        except (ConflictError, NotFoundError):
            logger.debug("%s was ended by others", ref)

    def _drop(self, served: _Served) -> None:
        """End a command for good."""
        served.lease.close()
        served.upkeep.stop()
        self._told = None
