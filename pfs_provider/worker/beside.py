"""One piece of work at a time beside the thread that works, such as an upload.

Invariants: pieces run one after the other, in the order they were started, so what they share needs
no lock; whatever a piece raises is raised again, once, in the thread that waits for it. Must not
know: what the pieces do.
"""

import threading
from collections.abc import Callable

__all__ = ["Beside"]


class Beside:
    """A slot for one piece of work. One thread starts and waits.

    Args:
        name: Of the thread, for whoever looks at a worker that hangs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, act: Callable[[], None]) -> None:
        """Start a piece of work; waits for the one before it, and raises as ``wait``."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(act,), name=self._name, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing runs any more; raises what the last piece raised, if it did."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def drop(self) -> None:
        """Wait for the last piece; what became of it does not matter any more."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._error = None

    def _run(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # for the thread that waits to judge
            self._error = error
