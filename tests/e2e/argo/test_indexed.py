"""Workers of a workflow that are one Indexed Job: what asks for it, what waits for it is killed."""

from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.argo import Argo
from tests.e2e.argo.test_pipeline import EDGES, put_images

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]


def only_job(argo: Argo) -> dict[str, Any]:
    (job,) = argo.cluster.get("jobs", argo.namespace)
    return job


def test_labels_and_annotations_of_a_spec_are_on_its_pods(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    chosen = {"labels": {"team": "vision"}, "annotations": {"example.org/note": "two words"}}
    slow = {**EDGES["transform"], "stdin": ["sleep 5", *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "metadata": chosen, "transform": slow})
    change = put_images(pfs, "a", "b")

    argo.submit("marked", "pfs-pipeline", pipeline="edges", job=change)
    argo.wait_for_node("marked", "work-job(0)", "Running")
    status = argo.wait("marked")

    assert status["phase"] == "Succeeded", argo.tell(status)
    pods = argo.pods("team=vision")
    assert len(pods) == 2
    for pod in pods:
        about = pod["metadata"]
        assert about["annotations"]["example.org/note"] == "two words"
        assert (about["labels"]["pfs.pipeline"], about["labels"]["pfs.job"]) == ("edges", change)
    assert not any(n["displayName"] == "work(0:0)" for n in status["nodes"].values())
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.processed) == ("success", 2)


def test_a_job_goes_on_where_its_monitor_is_killed(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    slow = {**EDGES["transform"], "stdin": ["sleep 8", *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "transform": slow})
    change = put_images(pfs, *"abcdef")
    argo.submit("many", "pfs-pipeline", pipeline="edges", job=change, max_pods="1")
    argo.wait_for_node("many", "work-job(0)", "Running")
    made = only_job(argo)["metadata"]["uid"]

    (monitor,) = argo.pods("pfs.step=work-job")
    name = monitor["metadata"]["name"]
    argo.cluster.kubectl("delete", "pod", "-n", argo.namespace, name, "--grace-period=0", "--force")
    argo.wait_for_node("many", "work-job(1)", "Running")
    status = argo.wait("many")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert only_job(argo)["metadata"]["uid"] == made
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.total, job.processed) == ("success", 6, 6)
    assert len(list(pfs.list_files("edges@master:/"))) == 6
