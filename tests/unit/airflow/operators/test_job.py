from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from kubernetes.client import V1Container, V1Pod, V1PodSpec

from pfs_provider.airflow.operators.job import PfsJobOperator
from pfs_provider.pfs import Pfs
from tests.kube_api import NAMESPACE, kube_api
from tests.unit.airflow.contexts import task_context

POD = {"containers": [{"name": "base", "image": "x:1", "command": ["run"]}]}


def _operator(template: Any, **kwargs: Any) -> PfsJobOperator:
    given = {"task_id": "t", "input": "images", "output": "made"} | kwargs
    return PfsJobOperator(pod_template=template, **given)


def test_a_template_is_a_mapping_a_file_or_an_object_of_the_client(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text("spec:\n  containers:\n  - {name: base, image: 'x:1', command: [run]}\n")
    made = V1Pod(
        spec=V1PodSpec(containers=[V1Container(name="base", image="x:1", command=["run"])])
    )

    specs = [_operator(template)._spec() for template in (POD, str(file), file, made)]

    assert all(spec == specs[0] for spec in specs)
    assert specs[0]["transform"] == {"image": "x:1", "cmd": ["run"]}
    assert specs[0]["pipeline"] == {"name": "made", "project": {"name": "default"}}


def test_its_pods_run_the_template_over_datums(pfs_home: Path, tmp_path: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.put_file("images@master:/a", b"x")
    with kube_api() as api:
        cluster = {
            "kubeconfig": api.kubeconfig(tmp_path), "store_url": "s3://b", "store_secret": "s"
        }  # fmt: skip
        operator = _operator(POD, cluster=cluster, namespace=NAMESPACE, worker_image="pfs:1")

        with pytest.raises(TaskDeferred) as deferred:
            operator.execute(task_context())

        pod = api.only("jobs")["spec"]["template"]["spec"]
    with Pfs(home=pfs_home) as pfs:
        (job,) = pfs.list_jobs("made")
    assert deferred.value.trigger.serialize()[1]["job"] == f"made@{job.id}"
    assert "x:1" in {part["image"] for part in pod["initContainers"]}


def test_a_file_that_is_missing_or_no_pod_says_so(pfs_home: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.yaml"
    odd.write_text("[1]")
    for template, words in ((tmp_path / "none.yaml", "none.yaml"), (odd, "holds no pod")):
        with pytest.raises(AirflowException, match=words):
            _operator(template).execute(task_context())
