import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kube_api import NAMESPACE, kube_api
from tests.unit.cli.runner import Cli


def test_jobs_that_are_ready_become_workflows_until_it_is_told_to_stop(
    images: Cli, spec: str, tmp_path: Path
) -> None:
    images.ok("create", "pipeline", "-f", spec)
    job = images.ok("list", "job", "-o", "json").json[0]["id"]
    alive = tmp_path / "alive"
    with kube_api() as api:
        environment = os.environ | {"KUBECONFIG": api.kubeconfig(tmp_path)}
        command = [sys.executable, "-m", "pfs_provider.cli", "watch", "--namespace", NAMESPACE]
        command += ["-p", "workers=2", "--alive", str(alive)]
        with subprocess.Popen(command, env=environment) as process:
            deadline = time.monotonic() + 30
            while not alive.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 143

        workflow = api.only("workflows")

    parameters = {
        part["name"]: part["value"] for part in workflow["spec"]["arguments"]["parameters"]
    }
    assert parameters == {"pipeline": "default/edges", "job": job, "workers": "2"}


def test_what_is_asked_for_is_checked_first(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("watch", "--webhook", "ftp://x").code == 5
    assert cli("watch", "-p", "workers").code == 2
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert cli("watch").code == 5
