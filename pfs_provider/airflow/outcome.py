"""Which jobs ended while a task ran, over all its tries.

The catalog's event log tells, not the task's memory: a try that was killed between a job's end and
its own loses nothing, and no clock is compared. Must not know: who ran the jobs.
"""

from typing import TYPE_CHECKING

from pfs_provider.catalog.values import ENDED_JOB_STATES

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pfs_provider.infos import JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["end_of_task", "ended_jobs", "start_of_task"]

SINCE_KEY = "pfs_since"
ENDED_KEY = "pfs_ended"
"""The most tries that the task had when it ended: Airflow adds to it when a person clears it."""
PAGE = 1000


def start_of_task(context: "Context", pfs: "Pfs") -> int:
    """Return the number of the last event before the task's first try, in all its tries.

    What a person starts again after its end has an outcome of its own. What Airflow retries has
    not, even after its end: it may fail a task that has just been woken, and let it run to its end
    all the same (https://github.com/apache/airflow/issues/72716).
    """
    state = context["task_state_store"]
    since, ended = state.get(SINCE_KEY), state.get(ENDED_KEY)
    if not isinstance(since, int) or ended not in {None, context["ti"].max_tries}:
        since = pfs.last_event_number()
        state.set(SINCE_KEY, since)
        state.delete(ENDED_KEY)
    return since


def end_of_task(context: "Context") -> None:
    """Note that all was done that there was to do."""
    context["task_state_store"].set(ENDED_KEY, context["ti"].max_tries)


def ended_jobs(pfs: "Pfs", pipeline: str, since: int) -> "list[JobInfo]":
    """Return the jobs of a pipeline that ended after that event, in the order of their ends.

    Args:
        pfs: Where.
        pipeline: ``[project/]pipeline``.
        since: Number of an event.
    """
    project, _, name = pipeline.rpartition("/")
    ended: dict[str, None] = {}
    while events := pfs.list_events(after=since, limit=PAGE):
        since = events[-1].number
        for event in events:
            if (
                event.pipeline == name
                and event.project == (project or "default")
                and event.state in ENDED_JOB_STATES
                and event.commit is not None
            ):
                ended[event.commit] = None
    return [pfs.inspect_job(f"{pipeline}@{job}") for job in ended]
