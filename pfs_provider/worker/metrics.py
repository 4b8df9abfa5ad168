"""Prometheus metrics of one worker: counters of what its event log tells, and a page for them.

Invariants: costs nothing unless it was asked for; trouble with the page stops no work.
Must not know: stores, executors; the job as a whole (metrics.py of the catalog).

Needs the extra ``metrics``. Names and meanings: docs/how-to/metrics.md.
"""

import threading
from collections.abc import Callable, Mapping

from pfs_provider.errors import ErrorCode, RefusedError, extra_missing

__all__ = ["WorkerMetrics", "serve_metrics"]


class WorkerMetrics:
    """Counts events; give its ``note`` to the event log as listener.

    Args:
        about: Labels of all figures: job, pipeline, worker.

    Raises:
        UnavailableError: ``extra-missing``.
    """

    def __init__(self, **about: str) -> None:
        try:
            # lazy: an extra, and most workers serve no page
            from prometheus_client import CollectorRegistry, Counter, Gauge  # noqa: PLC0415
        except ImportError:
            raise extra_missing("metrics need an extra", "metrics") from None
        self.registry = CollectorRegistry()
        names = sorted(about)
        values = [about[name] for name in names]

        def counter(name: str, text: str) -> Counter:
            return Counter(f"pfs_worker_{name}", text, names, registry=self.registry)

        datums = Counter(
            "pfs_worker_datums", "Datums worked", [*names, "state"], registry=self.registry
        )
        self._datums: Callable[[str], Counter] = lambda state: datums.labels(*values, state)
        self._tries = counter("tries", "Runs of user code").labels(*values)
        self._seconds = counter("datum_seconds", "Seconds from staging to collecting").labels(
            *values
        )
        self._input = counter("input_bytes", "Bytes staged for user code").labels(*values)
        self._output = counter("output_bytes", "Bytes that user code left").labels(*values)
        self._sets = counter("sets", "Datum sets delivered").labels(*values)
        busy = Gauge(
            "pfs_worker_busy", "Whether a datum is being worked", names, registry=self.registry
        )
        self._busy = busy.labels(*values)

    def note(self, event: str, fields: Mapping[str, object]) -> None:
        """Take up one event of the worker's log."""
        match event:
            case "datum-started":
                self._busy.set(1)
            case "datum-ended":
                self._busy.set(0)
                self._datums(str(fields["state"])).inc()
                self._tries.inc(_number(fields, "tries"))
                self._seconds.inc(_number(fields, "seconds"))
                self._input.inc(_number(fields, "input_bytes"))
                self._output.inc(_number(fields, "output_bytes"))
            case "set-delivered":
                self._sets.inc()
            case _:
                pass


def serve_metrics(metrics: WorkerMetrics, *, host: str, port: int) -> tuple[int, threading.Thread]:
    """Serve the figures below ``/metrics`` until the process ends.

    Args:
        metrics: What to serve.
        host: Address to listen on.
        port: 0 takes a free one.

    Returns:
        The port, and the thread that serves; it keeps no process alive.

    Raises:
        RefusedError: ``settings-illegal``: the port cannot be had.
    """
    from prometheus_client import start_http_server  # noqa: PLC0415  # lazy: as above

    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"cannot listen on {host}:{port}: {error.strerror or error}; name another port",
        ) from error
    return server.server_port, thread


def _number(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0
