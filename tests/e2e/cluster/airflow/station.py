"""A running Airflow on a real cluster, with what its tests ask of both."""

import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.e2e.airflow.standalone import Standalone, wait_for

__all__ = ["Station", "resident_bytes"]

END = {"success", "failed"}


@dataclass(slots=True)
class Station:
    """Airflow, the cluster's namespace that its tasks use, and the catalog."""

    airflow: Standalone
    cluster: Cluster
    namespace: str
    pfs: Pfs

    def prepare(self, command: str, *, n_files: int, workers: int = 2) -> str:
        """Make the pipeline ``many`` anew over so many small files and return its one job."""
        if any(found.name == "many" for found in self.pfs.list_pipelines()):
            self.pfs.delete_pipeline("many")
        with self.pfs.commit("many-in@master") as commit:
            for info in self.pfs.glob_files("many-in@master", "/*"):
                commit.delete_file(info.path)
            for number in range(n_files):
                commit.put_file(f"/{number:05}", b"%d" % number)
        self.pfs.create_pipeline(
            {
                "pipeline": {"name": "many"},
                "transform": {"cmd": ["sh", "-c", command]},
                "input": {"pfs": {"repo": "many-in", "glob": "/*", "name": "in"}},
                "parallelism_spec": {"constant": workers},
            }
        )
        (job,) = self.pfs.list_jobs("many")
        return job.id

    def run(self, dag: str, *, timeout_s: float = 240) -> dict[str, Any]:
        """Run a DAG to a good end."""
        return self.end_of(dag, self.airflow.trigger(dag), timeout_s=timeout_s)

    def end_of(self, dag: str, run_id: str, *, timeout_s: float = 240) -> dict[str, Any]:
        run = wait_for(
            f"the end of {dag}", partial(self._find_ended, dag, run_id), timeout_s=timeout_s
        )
        jobs = [(job.pipeline, job.state, job.reason) for job in self.pfs.list_jobs(limit=3)]
        if run["state"] != "success":
            time.sleep(2)  # the last lines of a task's log come after its state
            pytest.fail(f"{dag} ended as {run['state']}: {jobs}\n{self.airflow.task_log(dag)}")
        return run

    def task_state(self, dag: str, run_id: str, task: str) -> str | None:
        state: str | None = self.airflow.task(dag, run_id, task)["state"]
        return state

    def wait_for_state(self, dag: str, run_id: str, task: str, *states: str) -> None:
        wait_for(
            f"{task} is {' or '.join(states)}",
            lambda: self.task_state(dag, run_id, task) in states,
            timeout_s=120,
        )

    def make_secret(self, name: str, values: Mapping[str, str]) -> None:
        given = [f"--from-literal={key.upper()}={value}" for key, value in values.items()]
        self.cluster.kubectl("create", "secret", "generic", name, "-n", self.namespace, *given)

    def working_pods(self) -> list[dict[str, Any]]:
        return [
            pod
            for pod in self.cluster.get("pods", self.namespace)
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]

    def job_uids(self) -> dict[str, str]:
        """Name and uid of each Job that is there."""
        return {
            job["metadata"]["name"]: job["metadata"]["uid"]
            for job in self.cluster.get("jobs", self.namespace)
        }

    def wait_for_pods(self) -> None:
        wait_for("a pod works", self.working_pods, timeout_s=120)

    def wait_until_empty(self) -> None:
        wait_for("no pod works", lambda: not self.working_pods(), timeout_s=60)

    def peaks_of(self, dag: str, run_id: str, *, timeout_s: float) -> dict[str, int]:
        """Wait for a run's good end; most memory of a triggerer's and a worker's process."""
        peaks = {"triggerer": 0, "worker": 0}
        words = {"triggerer": ("triggerer",), "worker": ("airflow worker",)}

        def sample() -> dict[str, Any] | None:
            for name, wanted in words.items():
                found = (resident_bytes(pid) for pid in self.airflow.processes(*wanted))
                peaks[name] = max([peaks[name], *found])
            return self._find_ended(dag, run_id)

        run = wait_for(f"the end of {dag}", sample, timeout_s=timeout_s, pause_s=0.5)
        assert run["state"] == "success", self.airflow.task_log(dag)
        return peaks

    def _find_ended(self, dag: str, run_id: str) -> dict[str, Any] | None:
        run = self.airflow.find_run(dag, urllib.parse.quote(run_id))
        return run if run["state"] in END else None


def resident_bytes(pid: int) -> int:
    """Memory that a process has to itself or shares, 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)
