"""Jobs on a cluster for tests: small pipelines, one that runs beside the test, and what is left."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pfs_provider.infos import JobInfo
from pfs_provider.pfs import Pfs
from tests.cluster import Cluster

__all__ = ["WAIT_S", "check_outcome", "copy_spec", "pods", "put_numbers", "running", "wait_for"]

WAIT_S = 240
"""Longest wait for what happens within seconds on a machine with nothing else to do."""


def put_numbers(pfs: Pfs, n_files: int) -> None:
    """Commit files ``/0000`` and so on, each holding its number."""
    pfs.create_repo("in")
    with pfs.commit("in@master") as commit:
        for number in range(n_files):
            commit.put_file(f"/{number:04}", f"{number}\n".encode())


def copy_spec(
    before: str = "", *, workers: int = 2, per_set: int = 1, **more: Any
) -> dict[str, Any]:
    """A pipeline that copies each file, after some shell code that has its name in ``$name``."""
    script = f"cd /pfs/in; for name in *; do\n{before}\ncp $name /pfs/out/$name || exit 9\ndone"
    transform = {"cmd": ["sh"], "stdin": [script], **more.pop("transform", {})}
    return {
        "pipeline": {"name": "up"},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "transform": transform,
        "parallelism_spec": {"constant": workers},
        "datum_set_spec": {"number": per_set},
        **more,
    }


@contextmanager
def running(pfs: Pfs, options: dict[str, Any]) -> "Iterator[Future[list[JobInfo]]]":
    """Run all jobs beside the block; the future has those that ended."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(pfs.run, launcher="kubernetes", cluster=options)


def wait_for(what: Callable[[], object], *, within_s: float = WAIT_S) -> Any:
    """Return the first answer that is true."""
    deadline = time.monotonic() + within_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"it did not happen within {within_s} s"
        time.sleep(0.2)


def pods(cluster: Cluster, namespace: str, *, phase: str = "") -> list[str]:
    """Return the names of pods, of all or of those in a phase."""
    selector = [f"--field-selector=status.phase={phase}"] if phase else []
    return [pod["metadata"]["name"] for pod in cluster.get("pods", namespace, *selector)]


def check_outcome(pfs: Pfs, cluster: Cluster, namespace: str, job: JobInfo, n_files: int) -> None:
    """Check a successful job: every datum once, the right bytes, and no pod, Job or Secret left."""
    assert (job.state, job.reason) == ("success", ""), job
    assert (job.processed, job.total, job.failed) == (n_files, n_files, 0), job
    found = {info.path: pfs.read_file(f"up@master:{info.path}")
             for info in pfs.glob_files("up@master", "/**")}  # fmt: skip
    assert found == {f"/{number:04}": f"{number}\n".encode() for number in range(n_files)}, found
    datums = list(pfs.list_datums(f"up@{job.id}"))
    assert len({datum.id for datum in datums}) == len(datums) == n_files, datums
    check_nothing_left(cluster, namespace)


def check_nothing_left(cluster: Cluster, namespace: str) -> None:
    """Check that no pod is at work soon, and that nothing but a complete Job is left.

    A launcher waits for the end of pods itself, for 15 s where the work is done.
    """

    def alive() -> list[str]:
        phases = {pod["metadata"]["name"]: pod["status"]["phase"]
                  for pod in cluster.get("pods", namespace)}  # fmt: skip
        return [name for name, phase in phases.items() if phase not in {"Succeeded", "Failed"}]

    def unfinished() -> list[str]:
        return [job["metadata"]["name"] for job in cluster.get("jobs", namespace)
                if not {"SuccessCriteriaMet", "Complete"} & {
                    part["type"] for part in job["status"].get("conditions", [])
                }]  # fmt: skip

    wait_for(lambda: not alive() and not unfinished())
