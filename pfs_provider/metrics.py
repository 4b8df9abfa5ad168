"""Prometheus metrics of jobs, datums, commits and repos, read from the catalog when asked.

Invariants: one look costs by what happened since the last one, not by the length of history; a
catalog that does not answer is a metric, not an error; the workers' own figures are elsewhere
(worker/metrics.py). Must not know: who serves them.

Needs the extra ``metrics``. Names and meanings: docs/how-to/metrics.md.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pfs_provider.catalog.values import ACTIVE_JOB_STATES, ENDED_JOB_STATES
from pfs_provider.errors import NotFoundError, PfsError

if TYPE_CHECKING:
    from pfs_provider.catalog.values import Event
    from pfs_provider.clock import Clock
    from pfs_provider.infos import JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["CatalogMetrics"]

PAGE = 1000
RESULTS = ("processed", "skipped", "recovered", "failed")
WAITING = ("created", "starting")
PIPELINE = ("project", "pipeline")

JobKey = tuple[str, str, str]
PipelineKey = tuple[str, str]


class CatalogMetrics(Collector):
    """Counts what the catalog tells; asked by a registry, from any thread.

    Jobs count from the first one that the catalog still holds, commits from the first look.

    Args:
        pfs: An open catalog; it stays the caller's.
        clock: Tells how old a waiting job is.
    """

    def __init__(self, pfs: "Pfs", *, clock: "Clock") -> None:
        self._pfs = pfs
        self._clock = clock
        self._turn = threading.Lock()
        self._seen: int | None = None
        self._counted: set[JobKey] = set()  # while their events may still be on the way
        self._active: dict[JobKey, JobInfo] = {}
        self._n_jobs: Counter[tuple[str, str, str]] = Counter()
        self._n_datums: Counter[tuple[str, str, str]] = Counter()
        self._seconds: dict[PipelineKey, float] = {}
        self._last_success: dict[PipelineKey, float] = {}
        self._n_commits: Counter[tuple[str, str, str, str]] = Counter()

    def collect(self) -> Iterator[Metric]:
        """Yield all families; ``pfs_up`` is 0 and the others are as last seen on trouble."""
        with self._turn:
            try:
                self._look()
                sizes = {(repo.project, repo.name): repo.size for repo in self._pfs.list_repos()}
                is_up = True
            except PfsError:
                sizes, is_up = {}, False
            yield GaugeMetricFamily("pfs_up", "Whether the catalog answered", value=is_up)
            yield GaugeMetricFamily(
                "pfs_events", "Number of the newest event of the catalog", value=self._seen or 0
            )
            yield from self._jobs()
            yield from self._pipelines()
            yield _counter(
                "pfs_commits",
                "Commits that finished since the first look",
                ("project", "repo", "branch", "state"),
                self._n_commits,
            )
            size = GaugeMetricFamily(
                "pfs_repo_size_bytes", "Size of the head of master", labels=("project", "repo")
            )
            for labels, value in sorted(sizes.items()):
                size.add_metric(labels, value)
            yield size

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: a registry asks no catalog while it is put together."""
        return iter(())

    def _look(self) -> None:
        """Take up what happened since the last look."""
        if self._seen is None:
            seen = self._pfs.last_event_number()
            jobs = self._pfs.list_jobs()
            self._counted = {_key(job) for job in jobs if job.state in ENDED_JOB_STATES}
            for job in jobs:
                self._take(job)
            self._seen = seen
        while events := self._pfs.list_events(after=self._seen, limit=PAGE):
            for event in events:
                self._take_event(event)
                self._seen = event.number  # one by one: the next call to the catalog may fail
        self._counted = set()

    def _take_event(self, event: "Event") -> None:
        """Take up one event; of a job, the one event that tells its end counts."""
        if event.kind == "commit-finished":
            labels = (event.project, event.repo or "", event.branch or "", event.state or "")
            self._n_commits[labels] += 1
        if event.pipeline is None or event.commit is None:
            return
        key = (event.project, event.pipeline, event.commit)
        try:
            job = self._pfs.inspect_job(f"{event.project}/{event.pipeline}@{event.commit}")
        except NotFoundError:  # deleted meanwhile
            self._active.pop(key, None)
            return
        has_ended = job.state in ENDED_JOB_STATES
        if not has_ended or (event.state in ENDED_JOB_STATES and key not in self._counted):
            self._take(job)

    def _take(self, job: "JobInfo") -> None:
        key = _key(job)
        if job.state not in ENDED_JOB_STATES:
            self._active[key] = job
            return
        self._active.pop(key, None)
        pipeline = (job.project, job.pipeline)
        self._n_jobs[*pipeline, job.state] += 1
        for result in RESULTS:
            self._n_datums[*pipeline, result] += getattr(job, result)
        if job.finished is not None:
            if job.started is not None:
                ran = (job.finished - job.started).total_seconds()
                self._seconds[pipeline] = self._seconds.get(pipeline, 0.0) + ran
            if job.state == "success":
                last = max(self._last_success.get(pipeline, 0.0), job.finished.timestamp())
                self._last_success[pipeline] = last

    def _jobs(self) -> Iterator[Metric]:
        active = GaugeMetricFamily(
            "pfs_jobs_active", "Jobs that have not ended", labels=(*PIPELINE, "state")
        )
        counts = Counter((job.project, job.pipeline, job.state) for job in self._active.values())
        for project, pipeline in sorted(self._known()):
            for state in ACTIVE_JOB_STATES:
                active.add_metric((project, pipeline, state), counts[project, pipeline, state])
        yield active
        yield _counter("pfs_jobs", "Jobs that have ended", (*PIPELINE, "state"), self._n_jobs)
        yield _counter(
            "pfs_datums", "Datums of jobs that have ended", (*PIPELINE, "result"), self._n_datums
        )

    def _pipelines(self) -> Iterator[Metric]:
        now = self._clock.now()
        waiting = GaugeMetricFamily(
            "pfs_job_queue_age_seconds",
            "Age of the oldest job that waits to be run, 0 if none does",
            labels=PIPELINE,
        )
        for project, pipeline in sorted(self._known()):
            ages = [
                (now - job.created).total_seconds()
                for job in self._active.values()
                if (job.project, job.pipeline) == (project, pipeline) and job.state in WAITING
            ]
            waiting.add_metric((project, pipeline), max(ages, default=0.0))
        yield waiting
        last = GaugeMetricFamily(
            "pfs_last_success_timestamp_seconds",
            "When a job of the pipeline last ended well",
            labels=PIPELINE,
        )
        for labels, moment in sorted(self._last_success.items()):
            last.add_metric(labels, moment)
        yield last
        yield _counter(
            "pfs_job_run_seconds", "Seconds that ended jobs ran", PIPELINE, self._seconds
        )

    def _known(self) -> set[PipelineKey]:
        """Return the pipelines that have or had a job."""
        return {(project, pipeline) for project, pipeline, _ in (*self._n_jobs, *self._active)}


def _key(job: "JobInfo") -> JobKey:
    return job.project, job.pipeline, job.id


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
