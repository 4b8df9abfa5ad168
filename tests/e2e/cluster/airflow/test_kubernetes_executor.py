"""Tasks that are pods: KubernetesExecutor on a real cluster, and workers in more pods beside them.

Each program of Airflow runs by itself on this machine; tasks reach its server and the services from
their pods, have the rights of deploy's overlay, and share nothing with the triggerer but these.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from pfs_provider.infos import CommitInfo
from pfs_provider.pfs import Pfs
from tests.cluster import USER_IMAGE, Cluster, airflow_image, pod_host
from tests.e2e.airflow.standalone import Standalone, wait_for
from tests.e2e.cluster.airflow.pod_tasks import TaskPlace, pod_template, task_place
from tests.forwarder import Forwarder
from tests.services import StorePlace, need, postgres_database

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(1200),
]

PROGRAMS = ("api-server", "scheduler", "dag-processor", "triggerer")
COPY = "cp -r /pfs/images/. /pfs/out/"
END = {"success": "success", "failed": "failed"}


@dataclass(slots=True)
class Works:
    """Airflow, where its tasks are, and the catalog."""

    airflow: Standalone
    place: TaskPlace
    pfs: Pfs

    def prepare(self, command: str, n_files: int) -> str:
        """Make the pipeline ``copy`` anew over so many new files; return its one job."""
        if any(found.name == "copy" for found in self.pfs.list_pipelines()):
            self.pfs.delete_pipeline("copy")
        with self.pfs.commit("images@master") as commit:
            for info in self.pfs.glob_files("images@master", "/*"):
                commit.delete_file(info.path)
            for number in range(n_files):
                commit.put_file(f"/{number:03}", b"%d" % number)
        self.pfs.create_pipeline(
            {
                "pipeline": {"name": "copy"},
                "transform": {"cmd": ["sh", "-c", command]},
                "input": {"pfs": {"repo": "images", "glob": "/*"}},
                "parallelism_spec": {"constant": 2},
            }
        )
        (job,) = self.pfs.list_jobs("copy")
        return job.id

    def check_end(self, dag: str, run: str, *, timeout_s: float = 300) -> None:
        state = wait_for(
            f"the end of {dag}",
            lambda: END.get(self.airflow.find_run(dag, run)["state"]),
            timeout_s=timeout_s,
        )
        if state != "success":
            pytest.fail(f"{dag}: {self.airflow.task_log(dag)}\n{self.airflow.log()[-6000:]}")

    def worker_pods(self) -> list[dict[str, Any]]:
        """Pods that work on datums."""
        return [
            pod
            for pod in self.place.cluster.get("pods", self.place.workers)
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]

    def job_uids(self) -> set[str]:
        jobs = self.place.cluster.get("jobs", self.place.workers)
        return {job["metadata"]["uid"] for job in jobs}

    def task_pods_of(self, dag: str) -> list[str]:
        """Names of the pods that are tasks of a DAG and run."""
        return [
            pod["metadata"]["name"]
            for pod in self.place.task_pods()
            if pod["metadata"]["annotations"]["dag_id"] == dag
            and pod["status"]["phase"] == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def wait_until_empty(self) -> None:
        wait_for("no worker works", lambda: not self.worker_pods(), timeout_s=90)


@pytest.fixture(scope="module")
def works(
    cluster: Cluster, image: str, store: StorePlace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Works]:
    folder = tmp_path_factory.mktemp("pods")
    dags, logs = folder / "dags", folder / "airflow" / "logs"
    shutil.copytree(Path(__file__).parent / "pod_dags", dags)
    logs.mkdir(parents=True)
    logs.chmod(0o777)  # tasks are another user than the server
    airflow = Standalone(
        folder / "airflow", dags=dags, pfs_home=folder / "pfs", programs=PROGRAMS, host=pod_host()
    )
    server = urlsplit(need("PFS_TEST_POSTGRES", "postgres"))
    target = (server.hostname or "", server.port or 5432)
    with postgres_database() as url, Forwarder((pod_host(), 0), target) as door:
        parts = urlsplit(url)
        at = f"{parts.netloc.rpartition('@')[0]}@{door.address[0]}:{door.address[1]}"
        catalog = parts._replace(netloc=at).geturl()
        credentials = {name.upper(): value for name, value in store.options.items()}
        everywhere = {"PFS_CATALOG": catalog, "PFS_STORE": store.url} | credentials
        pods = {
            "PFS_K8S_WORKER_IMAGE": image,
            "PFS_K8S_USER_IMAGE": USER_IMAGE,
            "PFS_K8S_STORE_SECRET": "pfs-store",
        }
        for_tasks = {
            name: airflow.environment[name]
            for name in (
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
                "AIRFLOW__CORE__LOAD_EXAMPLES",
                "AIRFLOW__API__BASE_URL",
            )
        }
        with task_place(
            cluster, environment=everywhere | pods | for_tasks, credentials=credentials
        ) as place:
            template = folder / "pod.yaml"
            made = pod_template(airflow_image(), dags=dags, logs=logs)
            template.write_text(yaml.safe_dump(made))
            airflow.environment.update(
                everywhere
                | {
                    "KUBECONFIG": str(
                        place.kubeconfig_of("airflow-triggerer", folder / "triggerer.json")
                    ),
                    "AIRFLOW__CORE__EXECUTOR": "KubernetesExecutor",
                    "AIRFLOW__KUBERNETES_EXECUTOR__IN_CLUSTER": "False",
                    "AIRFLOW__KUBERNETES_EXECUTOR__CONFIG_FILE": str(cluster.kubeconfig),
                    "AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE": place.tasks,
                    "AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE": str(template),
                    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
                    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
                    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
                }
            )
            with Pfs(catalog=url, store=store.url, store_options=store.options) as pfs:
                pfs.create_repo("images")
                pfs.put_file("images@master:/begin", b"x")
                try:
                    airflow.start()
                    for dag in ("pod_deferred", "pod_held", "pod_mapped"):
                        wait_for(f"{dag} is known", partial(airflow.find_dag, dag), timeout_s=120)
                    yield Works(airflow=airflow, place=place, pfs=pfs)
                finally:
                    airflow.stop()
                    if os.environ.get("PFS_TEST_KEEP"):
                        shutil.copytree(folder, os.environ["PFS_TEST_KEEP"], dirs_exist_ok=True)


def test_a_task_in_a_pod_fans_out_over_pods_and_makes_a_commit_with_provenance(
    works: Works,
) -> None:
    job = works.prepare("sleep 4; " + COPY, 4)

    run = works.airflow.trigger("pod_deferred")
    wait_for("workers", works.worker_pods, timeout_s=180)
    asleep = wait_for(
        "the task sleeps and has no pod",
        lambda: (
            works.airflow.task("pod_deferred", run, "copy")["state"] == "deferred"
            and not works.task_pods_of("pod_deferred")
            and works.worker_pods()
        ),
        timeout_s=60,
    )
    works.check_end("pod_deferred", run)

    assert {pod["metadata"]["labels"]["pfs.dag"] for pod in asleep} == {"pod_deferred"}
    info = works.pfs.inspect_job(f"copy@{job}")
    assert (info.state, info.processed, info.total) == ("success", 4, 4)
    assert works.airflow.xcom("pod_deferred", run, "copy") == [f"default/copy@{job}"]
    (made_of,) = works.pfs.provenance(f"copy@{job}")
    assert isinstance(made_of, CommitInfo)
    assert (made_of.repo, made_of.id) == ("images", works.pfs.inspect_commit("images@master").id)
    works.wait_until_empty()


def test_a_task_pod_that_is_killed_leaves_workers_that_the_next_try_adopts(works: Works) -> None:
    job = works.prepare("sleep 15; " + COPY, 2)
    run = works.airflow.trigger("pod_held")
    wait_for("workers", works.worker_pods, timeout_s=180)
    before = works.job_uids()
    (pod,) = works.task_pods_of("pod_held")

    works.place.kill(pod)

    works.check_end("pod_held", run)
    info = works.pfs.inspect_job(f"copy@{job}")
    assert (info.state, info.processed, info.total) == ("success", 2, 2)
    assert works.airflow.task("pod_held", run, "copy")["try_number"] > 1
    assert works.job_uids() <= before
    assert len(works.pfs.list_jobs("copy")) == 1
    works.wait_until_empty()


def test_a_person_who_fails_a_task_in_a_pod_ends_its_workers(works: Works) -> None:
    job = works.prepare("sleep 600", 1)
    run = works.airflow.trigger("pod_held")
    wait_for("workers", works.worker_pods, timeout_s=180)

    works.airflow.set_task_state("pod_held", run, "copy", "failed")

    works.wait_until_empty()
    wait_for("no task", lambda: not works.task_pods_of("pod_held"), timeout_s=60)
    assert works.pfs.inspect_job(f"copy@{job}").state == "starting"
    works.pfs.stop_job(f"copy@{job}")


def test_mapped_tasks_in_pods_share_the_work_through_the_store(works: Works) -> None:
    job = works.prepare("sleep 0.2; " + COPY, 6)

    run = works.airflow.trigger("pod_mapped")
    works.check_end("pod_mapped", run)

    info = works.pfs.inspect_job(f"copy@{job}")
    assert (info.state, info.processed, info.total) == ("success", 6, 6)
    assert works.airflow.xcom("pod_mapped", run, "copy.finish") == [f"default/copy@{job}"]
