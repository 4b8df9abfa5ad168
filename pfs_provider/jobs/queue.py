"""The work queue of one job: who works on which set, over nothing but the object store.

Invariants: a set's result is created once and never replaced, so work may be repeated but its
effect is not. A claim only saves work: two workers on one set are harmless. A claim is void when
its worker gave it back, when the same worker runs again (whoever starts a worker makes sure that
the older one is dead or harmless), or when its sign of life stood still for ``lease_s`` by the
watcher's own clock; clocks of machines are never compared. Must not know: SQL, what a datum is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from pfs_provider.clock import Clock
from pfs_provider.errors import NotFoundError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.jobs.records import Claim, PlanRecord, SetRecord, SetResult, decode, encode
from pfs_provider.storage.stores.port import ObjectStore

__all__ = ["LEASE_S", "Taken", "WorkQueue", "read_plan"]

POLL_S = 0.5
"""Seconds between looks when others work on all that is left."""
LEASE_S = 30.0
"""Seconds without a sign of life after which a worker counts as gone, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A set that this worker may work on."""

    number: int
    record: SetRecord


@dataclass(slots=True)
class _Seen:
    beat: bytes
    since: float


def read_plan(store: ObjectStore, job: JobRef) -> PlanRecord | None:
    """Return a job's plan, None if there is none yet."""
    try:
        return decode(store.read(job.plan), PlanRecord, name=job.plan)
    except NotFoundError:
        return None


@dataclass(slots=True, kw_only=True)
class WorkQueue:
    """One worker's view of a job's sets.

    Args:
        store: Where the job's objects lie.
        job: Which job.
        plan: The job's plan.
        worker: This worker's lasting name, such as ``local-0``: equal names never run side by side.
        incarnation: This run of it; nobody else has it.
        clock: For leases and waiting.
        lease_s: Seconds without a sign of life after which a worker counts as gone.
        offset: Where in the sets to begin looking, so that workers rarely meet.
    """

    store: ObjectStore
    job: JobRef
    plan: PlanRecord
    worker: str
    incarnation: str
    clock: Clock
    lease_s: float = LEASE_S
    offset: int = 0
    _done: set[int] = field(default_factory=set)
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _held: tuple[int, int] | None = None
    """Set and epoch of the claim that this worker holds."""
    _beats: int = 0
    _objects: JobObjects = field(init=False)

    def __post_init__(self) -> None:
        self._objects = JobObjects(self.store, self.clock)

    def take(self, stopped: Callable[[], bool]) -> Taken | None:
        """Return a set to work on; waits while others hold all that is left.

        Args:
            stopped: Asked between looks; True ends the wait.

        Returns:
            A set, or None when every set has a result, the job was stopped, or ``stopped``.
        """
        while not stopped() and self._objects.find(self.job.stop) is None:
            self._note_done()
            if len(self._done) >= len(self.plan.set_sizes):
                return None
            taken = self._try_all()
            if taken is not None:
                return taken
            self.clock.sleep(POLL_S)
        return None

    def beat(self) -> None:
        """Give a sign of life. Called by one thread, several times within ``lease_s``."""
        self._beats += 1
        self._objects.replace(self.job.beat(self.incarnation), str(self._beats).encode())

    def deliver(self, number: int, result: SetResult) -> bool:
        """Store a set's result; False if another worker was first, and then this one is void."""
        is_first = self._objects.create(self.job.result(number), encode(result))
        self._held = None
        self._done.add(number)
        return is_first

    def give_back(self) -> None:
        """Let others have the set that this worker holds, at once.

        Where another has taken it over already, nothing is changed: its claim stands.
        """
        if self._held is None:
            return
        (number, epoch), self._held = self._held, None
        self._objects.create(self.job.claim(number, epoch + 1), encode(Claim(self.worker, "")))

    def _note_done(self) -> None:
        start = len(self.job.results)
        self._done.update(int(info.key[start:]) for info in self._objects.list(self.job.results))

    def _claims(self) -> dict[int, int]:
        start = len(self.job.claims)
        epochs: dict[int, int] = {}
        for info in self._objects.list(self.job.claims):
            number, _, epoch = info.key[start:].partition(".")
            epochs[int(number)] = max(epochs.get(int(number), -1), int(epoch))
        return epochs

    def _try_all(self) -> Taken | None:
        epochs = self._claims()
        n_sets = len(self.plan.set_sizes)
        for step in range(n_sets):
            number = (self.offset + step) % n_sets
            if number in self._done:
                continue
            epoch = epochs.get(number)
            if epoch is not None and not self._is_void(number, epoch):
                continue
            if self._claim(number, 0 if epoch is None else epoch + 1):
                key = self.job.set(self.plan.draft, number)
                return Taken(number, decode(self._objects.read(key), SetRecord, name=key))
        return None

    def _claim(self, number: int, epoch: int) -> bool:
        key = self.job.claim(number, epoch)
        if not self._objects.create(key, encode(Claim(self.worker, self.incarnation))):
            return False
        self._held = number, epoch
        return True

    def _is_void(self, number: int, epoch: int) -> bool:
        key = self.job.claim(number, epoch)
        claim = decode(self._objects.read(key), Claim, name=key)
        if not claim.incarnation or claim.worker == self.worker:
            return True
        beat = self._objects.read_if_there(self.job.beat(claim.incarnation)) or b""
        now = self.clock.monotonic()
        seen = self._seen.get(claim.incarnation)
        if seen is None or seen.beat != beat:
            self._seen[claim.incarnation] = _Seen(beat, now)
            return False
        return now - seen.since > self.lease_s
