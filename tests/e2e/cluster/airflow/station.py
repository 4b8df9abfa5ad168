"""A running Airflow on a real cluster, with what its tests ask of both."""

import urllib.parse
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

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
    _made: set[str] = field(default_factory=set)

    def create_many(self, command: str, *, workers: int = 2, **more: Any) -> None:
        """The pipeline ``many`` over the repo ``many-in``, whatever it was before."""
        if not self._made:
            self.pfs.create_repo("many-in")
            self._made.add("many")
        spec = {
            "pipeline": {"name": "many"},
            "transform": {"cmd": ["sh", "-c", command]},
            "input": {"pfs": {"repo": "many-in", "glob": "/*", "name": "in"}},
            "parallelism_spec": {"constant": workers},
        }
        self.pfs.update_pipeline(spec | more)

    def put_many(self, n_files: int, prefix: str) -> str:
        """One commit of small files, in the place of those before; its id is the job's."""
        with self.pfs.commit("many-in@master") as commit:
            for info in self.pfs.glob_files("many-in@master", "/*"):
                commit.delete_file(info.path)
            for number in range(n_files):
                commit.put_file(f"/{prefix}{number:05}", b"%d" % number)
        return commit.id

    def run(self, dag: str, *, timeout_s: float = 240) -> dict[str, Any]:
        """Run a DAG to a good end."""
        return self.end_of(dag, self.airflow.trigger(dag), timeout_s=timeout_s)

    def end_of(self, dag: str, run_id: str, *, timeout_s: float = 240) -> dict[str, Any]:
        run = wait_for(
            f"the end of {dag}", partial(self._find_ended, dag, run_id), timeout_s=timeout_s
        )
        assert run["state"] == "success", self.airflow.task_log(dag)
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
