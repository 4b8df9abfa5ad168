import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from pfs_provider.errors import RefusedError
from pfs_provider.worker.metrics import WorkerMetrics, serve_metrics

ABOUT = {"job": "j", "pipeline": "p", "worker": "w-0"}


@pytest.fixture
def metrics() -> WorkerMetrics:
    made = WorkerMetrics(**ABOUT)
    made.note("worker-started", {"number": 0})
    made.note("datum-started", {"datum": "a"})
    made.note(
        "datum-ended",
        {"state": "success", "tries": 2, "seconds": 1.5, "input_bytes": 7, "output_bytes": 9},
    )
    made.note("datum-started", {"datum": "b"})
    made.note("set-delivered", {"set": 0})
    return made


def _value(metrics: WorkerMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"pfs_worker_{name}", ABOUT | labels)


def test_events_are_counted(metrics: WorkerMetrics) -> None:
    assert _value(metrics, "datums_total", state="success") == 1
    assert _value(metrics, "tries_total") == 2
    assert _value(metrics, "datum_seconds_total") == 1.5
    assert _value(metrics, "input_bytes_total") == 7
    assert _value(metrics, "output_bytes_total") == 9
    assert _value(metrics, "sets_total") == 1
    assert _value(metrics, "busy") == 1


def test_they_are_served_on_a_page(metrics: WorkerMetrics) -> None:
    port, _ = serve_metrics(metrics, host="127.0.0.1", port=0)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()

    assert 'pfs_worker_sets_total{job="j",pipeline="p",worker="w-0"} 1.0' in text


def test_a_port_that_is_taken_is_named(metrics: WorkerMetrics) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(RefusedError, match=str(port)):
            serve_metrics(metrics, host="127.0.0.1", port=port)


def test_every_name_is_documented(metrics: WorkerMetrics) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "metrics.md").read_text()

    text = generate_latest(metrics.registry).decode()

    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    ours = {name for name in names if not name.endswith("_created")}
    assert {name for name in ours if f"`{name}" not in page} == set()
