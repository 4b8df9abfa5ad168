import json
import os
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import FailedError
from pfs_provider.worker.executors.client import Order, SpawnerClient
from pfs_provider.worker.executors.logs import LogWriter


def _order(*cmd: str) -> Order:
    return Order(root="/", cmd=cmd, env={"PATH": "/usr/bin:/bin"}, cwd="/", hidden=(), user=None)


def test_an_order_survives_its_encoding() -> None:
    order = _order("a", "ü\udcff")

    said = json.loads(order.encode())

    assert said["cmd"] == ["a", "ü\udcff"]
    assert "root" not in said  # it travels beside the text, as bytes


def test_a_report_holds_the_wait_status_and_the_log_what_was_said(tmp_path: Path) -> None:
    client = SpawnerClient("plain", clock=SystemClock())

    with LogWriter(tmp_path / "log") as log:
        order = _order("sh", "-c", "cat; exit 7")
        report = client.run(order, stdin=("line",), log=log, timeout_s=None)
    client.close()

    assert report.status is not None
    assert os.waitstatus_to_exitcode(report.status) == 7
    assert (tmp_path / "log").read_text() == "line\n"


def test_what_could_not_be_started_is_reported_with_the_step(tmp_path: Path) -> None:
    client = SpawnerClient("plain", clock=SystemClock())

    with LogWriter(tmp_path / "log") as log:
        report = client.run(_order("nope"), stdin=(), log=log, timeout_s=None)
    client.close()

    assert (report.step, report.path) == ("command", "nope")


def test_a_closed_client_says_so(tmp_path: Path) -> None:
    client = SpawnerClient("plain", clock=SystemClock())
    client.close()
    client.close()

    assert not client.is_alive
    with LogWriter(tmp_path / "log") as log, pytest.raises(FailedError, match="gone"):
        client.run(_order("true"), stdin=(), log=log, timeout_s=None)


def test_no_descriptor_is_lost_over_many_tasks(tmp_path: Path) -> None:
    client = SpawnerClient("plain", clock=SystemClock())
    with LogWriter(tmp_path / "log") as log:
        client.run(_order("true"), stdin=(), log=log, timeout_s=None)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            client.run(_order("true"), stdin=("x",), log=log, timeout_s=5)
        after = len(list(Path("/proc/self/fd").iterdir()))
    client.close()

    assert after == before
