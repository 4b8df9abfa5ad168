"""What goes wrong while pods work: a right result or a clear state, nothing twice, no pod left."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.infos import JobInfo
from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.cluster_jobs import (
    WAIT_S,
    check_nothing_left,
    check_outcome,
    copy_spec,
    pods,
    put_numbers,
    running,
    wait_for,
)
from tests.forwarder import Forwarder
from tests.services import StorePlace

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]


def _has_begun(pfs: Pfs) -> bool:
    """Whether some datums are done and others are not."""
    found = pfs.list_jobs("up")
    if not found:
        return False
    job = pfs.inspect_job(f"up@{found[0].id}")
    return 0 < job.processed < job.total


@pytest.mark.parametrize("how", ["killed", "drained"])
def test_a_worker_pod_that_goes_is_replaced(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], how: str
) -> None:
    put_numbers(pfs, 8)
    pfs.create_pipeline(copy_spec("sleep 1", workers=2 if how == "killed" else 1))
    force = ["--grace-period=0", "--force"] if how == "killed" else []

    with running(pfs, options) as run:
        wait_for(lambda: _has_begun(pfs))
        victim = pods(cluster, options["namespace"], phase="Running")[0]
        (first,) = cluster.get("jobs", options["namespace"])
        cluster.kubectl("delete", "pod", victim, "-n", options["namespace"], "--wait=false", *force)
        wait_for(lambda: set(pods(cluster, options["namespace"], phase="Running")) - {victim})
        (same,) = cluster.get("jobs", options["namespace"])
        (job,) = run.result(WAIT_S)

    assert same["metadata"]["uid"] == first["metadata"]["uid"]
    check_outcome(pfs, cluster, options["namespace"], job, 8)


@pytest.mark.parametrize(
    ("container", "words"),
    [("storage", "pfs_provider.worker"), ("user", "/pfs-shim/shim.sh")],
    ids=["storage", "user"],
)
def test_a_container_that_is_killed_in_the_middle_of_its_work_only_costs_time(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], container: str, words: str
) -> None:
    put_numbers(pfs, 8)
    pfs.create_pipeline(copy_spec("sleep 1", workers=1))

    with running(pfs, options) as run:
        wait_for(lambda: _has_begun(pfs))
        (victim,) = cluster.get("pods", options["namespace"])
        os.kill(_first_process(victim["spec"]["hostname"], words), signal.SIGKILL)
        seen = wait_for(lambda: _ended_by_signal(cluster, options["namespace"], container))
        (job,) = run.result(WAIT_S)

    assert seen == {victim["metadata"]["name"]: 137}
    check_outcome(pfs, cluster, options["namespace"], job, 8)


def _first_process(host: str, words: str) -> int:
    """Return the first process of a pod's container: the nodes' processes are this machine's."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            inside = f"HOSTNAME={host}".encode() in (place / "environ").read_bytes().split(b"\0")
            if inside and words.encode() in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except (OSError, ValueError):  # it is gone, or no process
            continue
    if not found:
        pytest.skip("the nodes' processes are not to be seen from here: run it on their machine")
    return min(found)


def _ended_by_signal(cluster: Cluster, namespace: str, container: str) -> dict[str, int]:
    """Return the exit codes above 128 of a container, whether or not it was started again."""
    found = {}
    for pod in cluster.get("pods", namespace):
        for kind in ("containerStatuses", "initContainerStatuses"):
            for status in pod["status"].get(kind, ()):
                for state in (status["state"], status.get("lastState", {})):
                    code = state.get("terminated", {}).get("exitCode", 0)
                    if status["name"] == container and code > 128:
                        found[pod["metadata"]["name"]] = code
    return found


def test_a_datum_that_takes_too_much_memory_fails_alone_and_with_the_reason(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 6)
    greedy = "if [ $name = 0003 ]; then exec tail /dev/zero; fi"
    pfs.create_pipeline(copy_spec(greedy, datum_tries=2, resource_limits={"memory": "32Mi"}))

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert (job.state, job.processed, job.failed, job.total) == ("failure", 5, 1, 6)
    (failed,) = (one for one in pfs.list_datums(f"up@{job.id}") if one.state == "failed")
    assert failed.files[0].endswith(":/0003")
    assert failed.tries == 2
    assert "memory" in job.reason
    assert "32Mi" in job.reason
    check_nothing_left(cluster, options["namespace"])


def test_a_store_that_is_away_for_20_s_only_costs_time(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], door: Forwarder
) -> None:
    put_numbers(pfs, 10)
    pfs.create_pipeline(copy_spec("sleep 1", workers=2))

    with running(pfs, options) as run:
        wait_for(lambda: _has_begun(pfs))
        door.stop()
        time.sleep(20)
        door.start()
        (job,) = run.result(WAIT_S)

    check_outcome(pfs, cluster, options["namespace"], job, 10)


def test_a_job_that_is_deleted_by_hand_is_made_again(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 8)
    pfs.create_pipeline(copy_spec("sleep 1", workers=2))

    with running(pfs, options) as run:
        wait_for(lambda: _has_begun(pfs))
        (first,) = cluster.get("jobs", options["namespace"])
        cluster.kubectl("delete", "job", "--all", "-n", options["namespace"])
        second = wait_for(lambda: cluster.get("jobs", options["namespace"]))[0]
        (job,) = run.result(WAIT_S)

    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    check_outcome(pfs, cluster, options["namespace"], job, 8)


RUN = """
import json, sys
from pfs_provider import Pfs
catalog, store, options, cluster = (json.loads(text) for text in sys.argv[1:])
Pfs(catalog=catalog, store=store, store_options=options).run(launcher="kubernetes", cluster=cluster)
"""


def test_whoever_runs_a_job_after_a_crash_adopts_its_pods(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], pod_store: StorePlace, sqlite_url: str
) -> None:
    put_numbers(pfs, 8)
    pfs.create_pipeline(copy_spec("sleep 1", workers=2))
    arguments = [json.dumps(part) for part in
                 (sqlite_url, pod_store.url, pod_store.options, options)]  # fmt: skip
    crashing = subprocess.Popen([sys.executable, "-c", RUN, *arguments])
    wait_for(lambda: _has_begun(pfs))
    crashing.kill()
    crashing.wait()
    before = set(pods(cluster, options["namespace"]))
    (first,) = cluster.get("jobs", options["namespace"])
    adopted: list[str] = []

    def note(job: JobInfo) -> None:
        adopted.extend(found["metadata"]["uid"]
                       for found in cluster.get("jobs", options["namespace"]))  # fmt: skip
        assert set(pods(cluster, options["namespace"])) <= before

    (job,) = pfs.run(launcher="kubernetes", cluster=options, on_progress=note)

    assert set(adopted) == {first["metadata"]["uid"]}
    check_outcome(pfs, cluster, options["namespace"], job, 8)


def test_two_schedulers_at_once_make_one_job_and_one_result(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 4)
    pfs.create_pipeline(copy_spec("sleep 1", workers=2))
    ended: list[JobInfo] = []
    threads = [
        threading.Thread(target=lambda: ended.extend(pfs.run(launcher="kubernetes",
                                                             cluster=options)))
        for _ in range(2)
    ]  # fmt: skip

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (job,) = ended
    check_outcome(pfs, cluster, options["namespace"], job, 4)


def test_a_catalog_that_is_restarted_only_costs_time(
    cluster: Cluster,
    options: dict[str, Any],
    pod_store: StorePlace,
    own_postgres: tuple[str, Callable[[], None]],
) -> None:
    url, restart = own_postgres
    with Pfs(catalog=url, store=pod_store.url, store_options=pod_store.options) as pfs:
        put_numbers(pfs, 10)
        pfs.create_pipeline(copy_spec("sleep 1", workers=2))

        with running(pfs, options) as run:
            wait_for(lambda: _has_begun(pfs))
            restart()
            (job,) = run.result(WAIT_S)

        check_outcome(pfs, cluster, options["namespace"], job, 10)
