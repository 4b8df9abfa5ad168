"""`airflow standalone` on MinIO, PostgreSQL and a real cluster: tasks that fan out over pods.

A commit becomes pods and a commit; whoever is killed in between, the result is the same and no pod
is left. One Airflow serves this file.
"""

import logging
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from pfs_provider.infos import CommitInfo
from pfs_provider.pfs import Pfs
from tests.e2e.airflow.standalone import measured, wait_for
from tests.e2e.cluster.airflow.station import Station
from tests.services import StorePlace

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(1200),
]

photographs = pytest.importorskip("dags.demo.photographs")
GENEROUS_BYTES = 64 * 2**20
"""More memory than that is none that stays the same; a hundred pods as JSON are 1 MiB."""
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


def test_without_a_cluster_mapped_tasks_work_the_same_photographs(
    station: Station, tmp_path: Path
) -> None:
    pfs = station.pfs
    _put_photographs(pfs, tmp_path / "all", *photographs.FIRST[:2])
    station.run("pfs_edges_montage")
    one_more = _put_photographs(pfs, tmp_path / "again", photographs.FIRST[2], "brick.png")

    run = station.run("pfs_map_group")

    job = pfs.inspect_job(f"edges@{one_more}")
    assert job.state == "success"
    assert 1 <= job.processed < job.total
    result = station.airflow.xcom("pfs_map_group", run["dag_run_id"], "edges.finish")
    assert result == [f"default/edges@{one_more}"]
    assert pfs.inspect_job(f"montage@{one_more}").state == "success"


def test_mapped_tasks_share_the_work_and_with_nothing_to_do_are_skipped(station: Station) -> None:
    job = station.prepare("sleep 0.2; " + COPY, n_files=12)

    first = station.run("many_mapped")["dag_run_id"]
    second = station.run("many_mapped")["dag_run_id"]

    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 12, 12)
    assert station.airflow.xcom("many_mapped", first, "many.plan") == [0, 1, 2]
    assert station.task_state("many_mapped", second, "many.work") == "skipped"
    assert station.airflow.xcom("many_mapped", second, "many.finish") == []


def test_a_pod_of_somebody_else_reads_a_commit_and_makes_one(
    station: Station, store: StorePlace
) -> None:
    pfs = station.pfs
    station.make_secret("store", store.options)
    for repo in ("photos", "model"):
        pfs.create_repo(repo)
    with pfs.commit("photos@master") as commit:
        commit.put_file("/a", b"one")
        commit.put_file("/b", b"two")

    run = station.run("mounting")

    made = pfs.inspect_commit("model@master")
    reference = f"default/model@{made.id}"
    assert station.airflow.xcom("mounting", run["dag_run_id"], "train", "pfs_commit") == reference
    assert pfs.read_file("model@master:/all") == b"onetwo"
    assert made.provenance == (f"default/photos@{commit.id}",)
    seen = pfs.read_file("model@master:/env").decode()
    assert "AWS_" not in seen
    assert "PFS_STORE" not in seen


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
    job = station.prepare("sleep 8; " + COPY, n_files=2)
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
    job = station.prepare("sleep 10; " + COPY, n_files=2)
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
    job = station.prepare("sleep 600", n_files=1)
    run = station.airflow.trigger("many_deferred")
    station.wait_for_state("many_deferred", run, "many", "deferred")
    station.wait_for_pods()

    station.airflow.set_task_state("many_deferred", run, "many", "failed")

    station.wait_until_empty()
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.reason) == ("starting", "stopped in Airflow")
    station.pfs.stop_job(f"many@{job}")


def test_a_task_that_a_person_clears_begins_again_and_ends_well(station: Station) -> None:
    job = station.prepare("sleep 6; " + COPY, n_files=2)
    run = station.airflow.trigger("many_deferred")
    station.wait_for_state("many_deferred", run, "many", "deferred")
    station.wait_for_pods()

    station.airflow.clear_task("many_deferred", run, "many")

    station.end_of("many_deferred", run, timeout_s=300)
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 2, 2)
    station.wait_until_empty()


def test_three_runs_at_once_share_one_job_and_all_end_well(station: Station) -> None:
    job = station.prepare("sleep 2; " + COPY, n_files=4)

    runs = [station.airflow.trigger("many_deferred") for _ in range(3)]

    for run in runs:
        station.end_of("many_deferred", run, timeout_s=300)
    results = [station.airflow.xcom("many_deferred", run, "many") for run in runs]
    assert [f"default/many@{job}"] in results  # who came after its end had nothing to do
    assert all(result in ([f"default/many@{job}"], []) for result in results)
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 4, 4)


def test_the_pods_name_their_task(station: Station) -> None:
    station.prepare("sleep 5; " + COPY, n_files=1)
    run = station.airflow.trigger("many_deferred")
    station.wait_for_pods()

    (pod,) = station.working_pods()

    assert pod["metadata"]["annotations"]["pfs/run"] == run
    assert pod["metadata"]["labels"]["pfs.dag"] == "many_deferred"
    station.end_of("many_deferred", run)
    link = station.airflow.xcom("many_deferred", run, "many", "pfs_pods")
    assert link.startswith(f"{station.namespace}/pfs-many-")
    assert quote(run)


def test_memory_stays_what_it_was_with_five_thousand_datums_over_a_hundred_indexes(
    station: Station,
) -> None:
    station.prepare("cp /pfs/in/* /pfs/out/", workers=2, n_files=10)
    few = station.peaks_of("many_deferred", station.airflow.trigger("many_deferred"), timeout_s=240)
    job = station.prepare("cp /pfs/in/* /pfs/out/", workers=100, n_files=5000)

    started = time.monotonic()
    run = station.airflow.trigger("many_deferred")
    many = station.peaks_of("many_deferred", run, timeout_s=1000)

    measured("5,000 datums over 100 indexes", time.monotonic() - started)
    for name, n_bytes in many.items():
        logging.getLogger("measured").info(
            "most memory of the %s: %d MiB with 10 datums, %d MiB with 5,000",
            name, few[name] >> 20, n_bytes >> 20,
        )  # fmt: skip
    info = station.pfs.inspect_job(f"many@{job}")
    assert (info.state, info.processed, info.total) == ("success", 5000, 5000)
    assert many["triggerer"] - few["triggerer"] < GENEROUS_BYTES
    assert many["worker"] - few["worker"] < GENEROUS_BYTES
    station.wait_until_empty()
