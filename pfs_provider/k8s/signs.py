"""What the store tells of a job's workers: their beats, and whether they have anything left to do.

Pods that run prove nothing: a worker that cannot reach the store runs for a minute before it says
so. Must not know: pods, the cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pfs_provider.errors import PfsError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.queue import read_plan
from pfs_provider.storage.stores.port import ObjectStore

__all__ = ["SignsOfLife"]


@dataclass(slots=True)
class SignsOfLife:
    """What has changed among a job's beats.

    Args:
        store: Where the job's objects lie.
        job: Which job.
        known: Beats that count for nothing, such as those of workers before.
    """

    store: ObjectStore
    job: JobRef
    known: Mapping[str, datetime] = field(default_factory=dict)

    def note(self) -> None:
        """Let what is there now count for nothing."""
        self.known = self._beats()

    def look(self) -> bool:
        """Return whether a worker has given a sign of life since the last look.

        A store that does not answer says nothing either way.
        """
        try:
            beats = self._beats()
        except PfsError:
            return False
        has_changed = any(self.known.get(key) != modified for key, modified in beats.items())
        self.known = beats
        return has_changed

    def is_over(self) -> bool:
        """Return whether workers would find nothing to do: all is done, or the job has ended."""
        plan = read_plan(self.store, self.job)
        if plan is None or self.store.find(self.job.stop) is not None:
            return True
        return sum(1 for _ in self.store.list(self.job.results)) >= len(plan.set_sizes)

    def _beats(self) -> dict[str, datetime]:
        return {info.key: info.modified for info in self.store.list(self.job.beat(""))}
