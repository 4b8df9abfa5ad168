"""One worker's part in one job: takes sets, works their datums, delivers results.

While a datum runs, the next one of its set is staged, and output and log of the one before it are
stored; never more than that, and never across sets. Invariants: it reads and writes the store only.
A set's result is delivered after all its bytes are stored. A worker that is told to stop gives its
set back and leaves nothing that a retry must clean.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import zip_longest

from pfs_provider.errors import PfsError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.jobs.queue import Taken, WorkQueue
from pfs_provider.jobs.records import DatumRecord, DatumResult, SetResult
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.worker.beside import Beside
from pfs_provider.worker.datums import DatumWorker, Worked
from pfs_provider.worker.events import UserLines
from pfs_provider.worker.executors.logs import clear_log
from pfs_provider.worker.log_mirror import LogMirror
from pfs_provider.worker.stopping import StopFlag

__all__ = ["WorkSession"]

BEATS_PER_LEASE = 8
TICK_S = 0.5
"""Seconds between looks at ``stop``: how soon user code is ended."""


@dataclass(slots=True, kw_only=True)
class WorkSession:
    """Works a job's sets.

    Args:
        storage: Where everything is.
        job: Which job.
        queue: This worker's view of the sets.
        worker: Works single datums.
        stop: Set it from anywhere to end the session soon.
        is_serial: Whether nothing is staged ahead or stored beside: where files lie in memory,
            room for a second datum may be missing.
    """

    storage: Storage
    job: JobRef
    queue: WorkQueue
    worker: DatumWorker
    stop: StopFlag
    is_serial: bool = False
    _mirror: LogMirror | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _objects: JobObjects = field(init=False)
    _lines: UserLines = field(init=False)
    _storing: Beside = field(default_factory=lambda: Beside("store-output"))

    def __post_init__(self) -> None:
        self._lines = UserLines(self.worker.events, self.worker.log)
        self._objects = JobObjects(self.storage.store, self.storage.clock)
        self.worker.settle = self._storing.wait

    def run(self) -> None:
        """Work until every set has a result, the job is over, or ``stop`` is set.

        Raises:
            PfsError: The store fails. The set is given back if that is still possible.
        """
        with self._beating():
            while (taken := self.queue.take(self.stop.is_set)) is not None:
                try:
                    self._work_set(taken)
                except InterruptedError:
                    self.queue.give_back()
                    return
                except PfsError:
                    with suppress(PfsError):  # the first trouble is the one to tell
                        self.queue.give_back()
                    raise

    def _work_set(self, taken: Taken) -> None:
        n_datums = len(taken.record.datums)
        self.worker.events.tell("set-taken", set=taken.number, datums=n_datums)
        writer = ContentWriter(self.storage)
        try:
            results = self._work_datums(taken.record.datums, writer)
            batches = writer.finish()
        except BaseException:
            self.worker.drop_ahead()
            self._storing.drop()
            writer.abort()
            raise
        done = [_with_rows(result, rows) for result, rows in zip(results, batches, strict=True)]
        self.queue.deliver(
            taken.number,
            SetResult(worker=self.queue.worker, incarnation=self.queue.incarnation, datums=done),
        )
        self.worker.events.tell("set-delivered", set=taken.number, datums=n_datums)

    def _work_datums(
        self, datums: Sequence[DatumRecord], writer: ContentWriter
    ) -> list[DatumResult]:
        results: list[DatumResult] = []
        for datum, following in zip_longest(datums, datums[1:]):
            worked = self._work_datum(datum, None if self.is_serial else following)
            self._storing.wait()  # only one output lies aside
            self._store_beside(self.worker.set_aside(worked), writer)
            if self.is_serial:
                self._storing.wait()
            results.append(worked.result)
        self._storing.wait()
        return results

    def _work_datum(self, datum: DatumRecord, following: DatumRecord | None) -> Worked:
        with self._lock:
            # Both at once, or the datum before would leave its log under this one's name.
            clear_log(self.worker.log)
            self._mirror = LogMirror(self._objects, self.job, datum.id, self.worker.log)
            self._lines.begin(datum.id.hex())
        try:
            worked = self.worker.work(datum, following)
        except BaseException:
            self._end_lines()
            self._store_log()
            raise
        self._end_lines()
        return worked

    def _end_lines(self) -> None:
        with self._lock:
            self._lines.follow(is_end=True)

    def _store_beside(self, worked: Worked, writer: ContentWriter) -> None:
        """Store a datum's log and output while the next one runs."""
        log = self.worker.log
        old = log.with_name(f"{log.name}-aside")
        with self._lock:
            # Its log is out of the way before the next datum's begins, so it is nobody else's.
            mirror, self._mirror = self._mirror, None
            if mirror is not None:
                mirror.move(old)

        def store() -> None:
            if mirror is not None:
                mirror.store()
            self.worker.keep(worked, writer)

        self._storing.start(store)

    def _store_log(self) -> None:
        """Store what the current datum's log has got."""
        with self._lock:
            if self._mirror is not None:
                self._mirror.store()

    @contextmanager
    def _beating(self) -> Iterator[None]:
        """Give signs of life, store the growing log, look for the job's end, in the background."""
        ended = threading.Event()
        self.queue.beat()
        thread = threading.Thread(target=self._beat, args=(ended,), name="beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _beat(self, ended: threading.Event) -> None:
        pause = max(1, round(self.queue.lease_s / BEATS_PER_LEASE / TICK_S))
        ticks = 0
        while not ended.wait(TICK_S):
            ticks += 1
            with self._lock, suppress(OSError):
                self._lines.follow()
            if ticks % pause == 0:
                self._look_around()
            if self.stop.is_set() and not ended.is_set():
                self.worker.executor.close()

    def _look_around(self) -> None:
        try:
            self.queue.beat()
            self._store_log()
            if self._objects.find(self.job.stop) is not None:
                self.stop.set()
            self._restart_if_asked()
        except (PfsError, OSError):
            pass  # what fails is told by the thread that works

    def _restart_if_asked(self) -> None:
        """Begin the datum at work again if somebody wants that, and let them know."""
        datum = self.worker.running
        if datum is None:
            return
        wish = self.job.restart(datum.hex())
        if self._objects.find(wish) is not None and self.worker.restart(datum):
            self._objects.delete([wish])


def _with_rows(result: DatumResult, rows: Rows) -> DatumResult:
    data = rows.encode() if result.state == "success" else b""
    return DatumResult(
        **{name: getattr(result, name) for name in result.__struct_fields__ if name != "rows"},
        rows=data,
    )
