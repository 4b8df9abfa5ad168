"""Serving metrics."""

import threading
from typing import Annotated

import typer

from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.tree import serve
from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, RefusedError, extra_missing

__all__ = ["serve_metrics"]


@serve.command("metrics")
def serve_metrics(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 9464,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve Prometheus metrics of the catalog below /metrics until Ctrl-C."""
    try:
        # lazy: an extra
        from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415

        from pfs_provider.metrics import CatalogMetrics  # noqa: PLC0415
    except ImportError:
        raise extra_missing("metrics need an extra", "metrics") from None
    with open_pfs() as pfs:
        registry = CollectorRegistry()
        registry.register(CatalogMetrics(pfs, clock=SystemClock()))
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"cannot listen on {host}:{port}: {error.strerror or error}; name another --port",
            ) from error
        typer.echo(f"metrics on http://{host}:{server.server_port}/metrics")
        try:
            threading.Event().wait()  # Ctrl-C and SIGTERM raise
        finally:
            server.shutdown()
            thread.join()
