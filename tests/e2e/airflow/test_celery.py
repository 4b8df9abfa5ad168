"""Tasks that Celery's workers run: an Airflow of its own, each program by itself.

The broker is a SQLite file, so that nothing else has to run; Celery's workers take from it as from
any other.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.airflow.conftest import COPY
from tests.e2e.airflow.standalone import Standalone, wait_for

pytest.importorskip(
    "airflow.providers.celery", reason="Celery's provider is not installed: make setup"
)
pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

WORKER = "celery worker --concurrency 2 --without-gossip --without-mingle"
PROGRAMS = ("api-server", "scheduler", "dag-processor", "triggerer", WORKER)
SLOW = {
    "pipeline": {"name": "slow"},
    "transform": {"cmd": ["sh", "-c", "sleep 5; cp -r /pfs/notes/. /pfs/out/"]},
    "input": {"pfs": {"repo": "notes", "glob": "/*"}},
}


@pytest.fixture(scope="module")
def celery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Standalone, Pfs]]:
    place = tmp_path_factory.mktemp("celery")
    dags = place / "dags"
    dags.mkdir()
    shutil.copy(Path(__file__).parent / "dags" / "pfs_by_hand.py", dags)
    airflow = Standalone(place / "airflow", dags=dags, pfs_home=place / "pfs", programs=PROGRAMS)
    airflow.environment.update(
        {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": f"sqla+sqlite:///{place / 'broker.db'}",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+sqlite:///{place / 'results.db'}",
            # A killed worker is missed after 10 s instead of 5 minutes.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
        }
    )
    with Pfs(home=place / "pfs") as pfs:
        for repo in ("photos", "notes"):
            pfs.create_repo(repo)
            pfs.put_file(f"{repo}@master:/begin", b"x")
        pfs.create_pipeline(COPY)
        pfs.create_pipeline(SLOW)
        try:
            airflow.start()
            for dag in ("copy_deferred", "slow_retried"):
                wait_for(f"{dag} is known", partial(airflow.find_dag, dag), timeout_s=120)
            yield airflow, pfs
        finally:
            airflow.stop()


def _await_state(airflow: Standalone, dag: str, run: str) -> str:
    return wait_for(
        f"the end of {dag}",
        lambda: {"success": "success", "failed": "failed"}.get(airflow.find_run(dag, run)["state"]),
        timeout_s=180,
    )


def test_a_deferred_task_goes_to_a_worker_twice_and_holds_none_between(
    celery: tuple[Standalone, Pfs],
) -> None:
    airflow, pfs = celery

    run = airflow.trigger("copy_deferred")

    assert _await_state(airflow, "copy_deferred", run) == "success", airflow.task_log(
        "copy_deferred"
    )
    (job,) = pfs.list_jobs("copy")
    assert (job.state, job.processed) == ("success", 1)
    assert pfs.inspect_commit("copy@master").id == job.id
    assert airflow.xcom("copy_deferred", run, "copy") == [f"default/copy@{job.id}"]


def test_a_worker_that_is_killed_leaves_a_job_that_the_retry_ends(
    celery: tuple[Standalone, Pfs],
) -> None:
    airflow, pfs = celery
    run = airflow.trigger("slow_retried")
    wait_for("work", lambda: pfs.list_jobs("slow")[0].state == "running", timeout_s=120)

    airflow.kill_program("celery", "worker")
    airflow.start_program(WORKER)

    state = _await_state(airflow, "slow_retried", run)

    assert state == "success", airflow.task_log("slow_retried")
    (job,) = pfs.list_jobs("slow")
    assert (job.state, job.processed, job.failed) == ("success", 1, 0)
    assert airflow.task("slow_retried", run, "slow")["try_number"] > 1
    assert pfs.read_file("slow@master:/begin") == b"x"
