"""Standing pipelines on this machine: services and spouts, each kept up by a thread of its own.

Beside the scheduler that runs jobs (runner.py), in the same process. Invariants: of all schedulers
one keeps a pipeline up, the others wait until it is gone; whatever ends this process ends the
commands; trouble with one pipeline is told as its state, and disturbs no other.
Must not know: how commands are run. Source: docs/design/0023-services-and-spouts.md.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self

from pfs_provider.catalog.standing import list_standing
from pfs_provider.catalog.values import PipelineKind
from pfs_provider.closing import Closing
from pfs_provider.errors import PfsError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.launcher import Launcher
from pfs_provider.jobs.service import ServiceKeeper
from pfs_provider.jobs.spout import SpoutKeeper
from pfs_provider.refs.names import PipelineKey

__all__ = ["Standing"]

logger = logging.getLogger(__name__)

LOOK_S = 1.0
TURN_S = 0.5
TROUBLE_S = 2.0


class _Keeper(Protocol):
    """Keeps one pipeline up."""

    def turn(self) -> None:
        """Do what is due now. Raises PfsError; called again, it goes on."""

    def close(self) -> None:
        """End the command and let others have the pipeline."""


@dataclass(slots=True)
class _Kept:
    kind: PipelineKind
    thread: threading.Thread
    ending: threading.Event


@dataclass(slots=True, kw_only=True)
class Standing(Closing):
    """Keeps all standing pipelines up, or one, while the block lasts. A context manager.

    Args:
        jobs: Where.
        launcher: How their workers are started.
        owner: This scheduler's name; nobody else has it (owners.py).
        only: Only this pipeline.
    """

    jobs: Jobs
    launcher: Launcher
    owner: str
    only: PipelineKey | None = None
    _kept: dict[PipelineKey, _Kept] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, name="standing", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """End all commands; return when they are gone. Idempotent."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        for kept in self._kept.values():
            kept.ending.set()
        for kept in self._kept.values():
            kept.thread.join()
        self._kept.clear()

    def _look(self) -> None:
        """See which pipelines are to stand, again and again."""
        while True:
            try:
                with self.jobs.versions.catalog.read() as tx:
                    wanted = list_standing(tx, self.only)
            except PfsError as error:
                logger.warning("services and spouts: %s", error)
            else:
                self._follow(wanted)
            if self._ending.wait(LOOK_S):
                return

    def _follow(self, wanted: Mapping[PipelineKey, PipelineKind]) -> None:
        for key, kept in list(self._kept.items()):
            if wanted.get(key) != kept.kind:
                kept.ending.set()
            if not kept.thread.is_alive():
                del self._kept[key]
        for key in wanted.keys() - self._kept.keys():
            self._begin(key, wanted[key])

    def _begin(self, key: PipelineKey, kind: PipelineKind) -> None:
        make = ServiceKeeper if kind == "service" else SpoutKeeper
        keeper = make(jobs=self.jobs, launcher=self.launcher, owner=self.owner, key=key)
        ending = threading.Event()
        # Workers end with the thread that started them, so one thread does it all.
        thread = threading.Thread(
            target=_keep, args=(keeper, ending, str(key)), name=f"standing-{key}", daemon=True
        )
        self._kept[key] = _Kept(kind, thread, ending)
        thread.start()


def _keep(keeper: _Keeper, ending: threading.Event, name: str) -> None:
    said = ""
    pause_s = 0.0
    while not ending.wait(pause_s):
        try:
            keeper.turn()
            pause_s = TURN_S
        except PfsError as error:
            pause_s = TROUBLE_S
            if str(error) != said:
                said = str(error)
                logger.warning("%s: %s", name, error)
    try:
        keeper.close()
    except PfsError as error:
        logger.warning("%s: %s", name, error)
