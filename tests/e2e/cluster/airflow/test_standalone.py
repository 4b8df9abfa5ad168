"""`airflow standalone` on MinIO, PostgreSQL and a real cluster: tasks that fan out over pods.

A commit becomes pods and a commit; whoever is killed in between, the result is the same and no pod
is left. One Airflow serves this file.
"""

import time
from pathlib import Path
from urllib.parse import quote

import pytest

from pfs_provider.infos import CommitInfo
from pfs_provider.pfs import Pfs
from tests.e2e.airflow.standalone import measured, wait_for
from tests.e2e.cluster.airflow.station import Station

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(1200),
]

photographs = pytest.importorskip("dags.demo.photographs")
COPY = "cp -r /pfs/in/. /pfs/out/"


def _put_photographs(pfs: Pfs, folder: Path, *names: str) -> str:
    photographs.copy_photographs(names, folder)
    with pfs.commit("images@master") as commit:
        commit.put_tree("/", folder)
    return commit.id


def _made_of(pfs: Pfs, commit: str) -> set[str]:
    found = pfs.provenance(commit)
    return {f"{made.repo}@{made.id}" for made in found if isinstance(made, CommitInfo)}


def _all_ended(station: Station, n_runs: int) -> bool:
    runs = station.airflow.runs("pfs_kubernetes")
    assert "failed" not in {run["state"] for run in runs}
    return len(runs) >= n_runs and all(run["state"] == "success" for run in runs)


def test_photographs_become_edges_and_a_montage_and_a_new_one_is_one_new_datum(
    station: Station, tmp_path: Path
) -> None:
    pfs = station.pfs
    station.airflow.pause("pfs_kubernetes", paused=False)
    wait_for("the watch", lambda: station.airflow.find_dag("pfs_kubernetes"), timeout_s=60)

    started = time.monotonic()
    first = _put_photographs(pfs, tmp_path / "first", *photographs.FIRST)
    wait_for("the first run", lambda: _all_ended(station, 1), timeout_s=400)
    measured("put to the end of its run, 5 photographs", time.monotonic() - started)
    (before,) = pfs.list_jobs("edges")
    started = time.monotonic()
    second = _put_photographs(pfs, tmp_path / "second", photographs.ONE_MORE)
    wait_for("the second run", lambda: _all_ended(station, 2), timeout_s=400)
    measured("put to the end of its run, one more", time.monotonic() - started)
    station.airflow.pause("pfs_kubernetes", paused=True)

    after = pfs.inspect_job(f"edges@{second}")
    counts = [(job.state, job.processed, job.skipped, job.total) for job in (before, after)]
    assert counts == [("success", 5, 0, 5), ("success", 1, 5, 6)]
    assert f"images@{first}" in _made_of(pfs, f"edges@{before.id}")
    assert pfs.inspect_job(f"montage@{second}").state == "success"
    assert pfs.read_file(f"montage@{second}:/montage.png")[:4] == b"\x89PNG"
    assert _made_of(pfs, f"montage@{second}") >= {f"edges@{second}", f"images@{second}"}


def test_a_function_is_mapped_over_pods(station: Station, tmp_path: Path) -> None:
    pfs = station.pfs
    _put_photographs(pfs, tmp_path / "more", photographs.FIRST[0])

    run = station.run("pfs_map_function")

    (commit,) = station.airflow.xcom("pfs_map_function", run["dag_run_id"], "thumbnails")
    data = pfs.read_file(f"{commit}:/astronaut.png")
    assert data[:4] == b"\x89PNG"


def test_a_worker_that_is_killed_in_the_middle_is_followed_by_a_try_that_adopts_its_pods(
    station: Station,
) -> None:
    station.create_many("sleep 8; " + COPY)
    job = station.put_many(2, "killed")
    run = station.airflow.trigger("many_held")
    station.wait_for_pods()
    before = station.job_uids()

    station.airflow.kill_worker("many_held", run, "many")

    station.end_of("many_held", run, timeout_s=300)
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 2, 2)
    assert station.airflow.task("many_held", run, "many")["try_number"] > 1
    assert set(station.job_uids().items()) <= set(before.items())
    station.wait_until_empty()


def test_a_triggerer_that_is_killed_and_started_again_waits_on(station: Station) -> None:
    station.create_many("sleep 10; " + COPY)
    job = station.put_many(2, "triggerer")
    run = station.airflow.trigger("many_deferred")
    station.wait_for_state("many_deferred", run, "many", "deferred")
    station.wait_for_pods()
    before = station.job_uids()

    station.airflow.kill_triggerer()
    station.airflow.start_triggerer()

    station.end_of("many_deferred", run, timeout_s=300)
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 2, 2)
    assert station.airflow.task("many_deferred", run, "many")["try_number"] == 1
    assert set(station.job_uids().items()) <= set(before.items())
    station.wait_until_empty()


def test_a_task_that_a_person_marks_as_failed_leaves_no_pod(station: Station) -> None:
    station.create_many("sleep 600")
    job = station.put_many(1, "stopped")
    run = station.airflow.trigger("many_deferred")
    station.wait_for_state("many_deferred", run, "many", "deferred")
    station.wait_for_pods()

    station.airflow.set_task_state("many_deferred", run, "many", "failed")

    station.wait_until_empty()
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.reason) == ("starting", "stopped in Airflow")
    station.pfs.stop_job(f"many@{job}")


def test_a_task_that_a_person_clears_begins_again_and_ends_well(station: Station) -> None:
    station.create_many("sleep 6; " + COPY)
    job = station.put_many(2, "cleared")
    run = station.airflow.trigger("many_deferred")
    station.wait_for_state("many_deferred", run, "many", "deferred")
    station.wait_for_pods()

    station.airflow.clear_task("many_deferred", run, "many")

    station.end_of("many_deferred", run, timeout_s=300)
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 2, 2)
    station.wait_until_empty()


def test_three_runs_at_once_share_one_job_and_all_end_well(station: Station) -> None:
    station.create_many("sleep 2; " + COPY)
    job = station.put_many(4, "storm")

    runs = [station.airflow.trigger("many_deferred") for _ in range(3)]

    for run in runs:
        station.end_of("many_deferred", run, timeout_s=300)
    results = [station.airflow.xcom("many_deferred", run, "many") for run in runs]
    assert [f"default/many@{job}"] in results
    assert len([each for each in station.pfs.list_jobs("many") if each.id == job]) == 1
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 4, 4)


def test_the_pods_name_their_task(station: Station) -> None:
    station.create_many("sleep 5; " + COPY)
    station.put_many(1, "named")
    run = station.airflow.trigger("many_deferred")
    station.wait_for_pods()

    (pod,) = station.working_pods()

    assert pod["metadata"]["annotations"]["pfs/run"] == run
    assert pod["metadata"]["labels"]["pfs.dag"] == "many_deferred"
    station.end_of("many_deferred", run)
    link = station.airflow.xcom("many_deferred", run, "many", "pfs_pods")
    assert link.startswith(f"{station.namespace}/pfs-many-")
    assert quote(run)
