"""Pipelines under a real Argo: submitted by calls of its API, worked by pods, right in the end."""

import json
from typing import Any

import pytest

from pfs_provider.infos import RunCommitInfo
from pfs_provider.pfs import Pfs
from tests.argo import Argo
from tests.cluster import USER_IMAGE

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

EDGES: dict[str, Any] = {
    "pipeline": {"name": "edges"},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
    "transform": {
        "image": USER_IMAGE,
        "cmd": ["sh"],
        "stdin": ["for f in /pfs/images/*; do tr a-z A-Z < $f > /pfs/out/$(basename $f); done"],
    },
    "parallelism_spec": {"constant": 2},
}
MONTAGE: dict[str, Any] = {
    "pipeline": {"name": "montage"},
    "input": {"pfs": {"repo": "edges", "glob": "/"}},
    "transform": {"image": USER_IMAGE, "cmd": ["sh"], "stdin": ["cat /pfs/edges/* > /pfs/out/all"]},
}


def put_images(pfs: Pfs, *names: str) -> str:
    with pfs.commit("images@master") as commit:
        for name in names:
            commit.put_file(f"/{name}", f"{name}\n".encode())
    return commit.id


def test_edges_and_montage_run_by_two_submissions_with_provenance(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline([EDGES, MONTAGE])
    change = put_images(pfs, "a", "b", "c")

    argo.submit("edges", "pfs-pipeline", pipeline="edges", job=change)
    edges = argo.wait("edges")
    argo.submit("montage", "pfs-pipeline", pipeline="default/montage")
    montage = argo.wait("montage")

    assert edges["phase"] == "Succeeded", argo.tell(edges)
    assert montage["phase"] == "Succeeded", argo.tell(montage)
    assert pfs.read_file("montage@master:/all") == b"A\nB\nC\n"
    commit = pfs.inspect_commit("edges@master")
    assert commit.provenance == (f"default/images@{change}",)
    assert isinstance(commit, RunCommitInfo)
    workflow = argo.get("edges")["metadata"]
    assert (commit.run["workflow"], commit.run["uid"]) == ("edges", workflow["uid"])
    assert commit.run["node"] == "edges[0].begin"
    wanted = {"pfs.project": "default", "pfs.pipeline": "edges", "pfs.job": change}
    assert wanted.items() <= workflow["labels"].items()
    kept = [pod for pod in argo.pods("pfs.step=keep") if pod["status"]["phase"] != "Running"]
    assert kept == []


def test_a_change_runs_stage_after_stage_in_one_workflow(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline([EDGES, MONTAGE])
    change = put_images(pfs, "a", "b")

    argo.submit("change", "pfs-pipelines", change=change)
    status = argo.wait("change")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert pfs.read_file("montage@master:/all") == b"A\nB\n"
    assert {job.state for job in pfs.list_jobs()} == {"success"}


def test_a_failed_datum_fails_the_workflow_with_its_reason_and_frees_the_pipeline(
    argo: Argo, pfs: Pfs
) -> None:
    pfs.create_repo("images")
    broken = {
        **EDGES["transform"],
        "stdin": ["test ! -e /pfs/images/bad && cp /pfs/images/* /pfs/out/"],
    }
    pfs.create_pipeline({**EDGES, "transform": broken})
    change = put_images(pfs, "a", "bad")

    argo.submit("broken", "pfs-pipeline", pipeline="edges", job=change)
    status = argo.wait("broken")

    assert status["phase"] == "Failed"
    assert "/bad" in argo.tell(status)
    ends = {node["displayName"]: node["phase"] for node in status["nodes"].values()}
    assert (ends["settle"], ends["remove"]) == ("Succeeded", "Succeeded"), argo.tell(status)
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.processed, job.failed) == ("failure", 1, 1)
    commit = pfs.inspect_commit(f"edges@{change}")
    assert (commit.state, isinstance(commit, RunCommitInfo)) == ("error", True)


def test_a_killed_pod_is_replaced_and_every_datum_has_one_result(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    slow = {**EDGES["transform"], "stdin": ["sleep 3", *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "transform": slow})
    change = put_images(pfs, *"abcdef")

    argo.submit("killed", "pfs-pipeline", pipeline="edges", job=change)
    argo.wait_for_node("killed", "work(0:0)", "Running")
    (pod,) = (
        pod
        for pod in argo.pods(f"pfs.job={change}")
        if "work-" in pod["metadata"]["name"]
        and pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"].endswith(
            "work(0:0)(0)"
        )
    )
    about = pod["metadata"]
    assert (about["labels"]["pfs.project"], about["labels"]["pfs.pipeline"]) == ("default", "edges")
    assert about["annotations"]["pfs/job"] == f"default/edges@{change}"
    argo.cluster.kubectl(
        "delete",
        "pod",
        "-n",
        argo.namespace,
        pod["metadata"]["name"],
        "--grace-period=0",
        "--force",
    )
    status = argo.wait("killed")

    assert status["phase"] == "Succeeded", argo.tell(status)
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.total, job.processed) == ("success", 6, 6)
    assert len(list(pfs.list_files("edges@master:/"))) == 6


def test_a_terminated_workflow_goes_on_when_it_is_retried(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    slow = {**EDGES["transform"], "stdin": ["sleep 4", *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "transform": slow})
    change = put_images(pfs, *"abcd")

    argo.submit("first", "pfs-pipeline", pipeline="edges", job=change)
    argo.wait_for_node("first", "work(0:0)", "Running")
    argo.patch("first", {"spec": {"shutdown": "Terminate"}})
    first = argo.wait("first")
    left = pfs.inspect_job(f"edges@{change}").state
    argo.submit("second", "pfs-pipeline", pipeline="edges")  # what `argo resubmit` does
    second = argo.wait("second")

    assert first["phase"] == "Failed"
    assert left == "running"
    assert second["phase"] == "Succeeded", argo.tell(second)
    assert pfs.inspect_job(f"edges@{change}").state == "success"
    commit = pfs.inspect_commit(f"edges@{change}")
    assert isinstance(commit, RunCommitInfo)
    assert commit.run["workflow"] == "second"


def test_what_is_terminated_goes_on_by_argo_retry_under_its_own_name(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    slow = {**EDGES["transform"], "stdin": ["sleep 4", *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "transform": slow})
    change = put_images(pfs, *"abcd")
    argo.submit("again", "pfs-pipeline", pipeline="edges", job=change)
    argo.wait_for_node("again", "work(0:0)", "Running")

    argo.run("terminate", "again")
    first = argo.wait("again")
    argo.run("retry", "again")
    second = argo.wait("again")

    assert first["phase"] == "Failed"
    assert second["phase"] == "Succeeded", argo.tell(second)
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.processed) == ("success", 4)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_two_hundred_workers_are_two_hundred_pods(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline({**EDGES, "parallelism_spec": {"constant": 200}})
    with pfs.commit("images@master") as commit:
        for number in range(400):
            commit.put_file(f"/{number:03}", b"x")

    argo.submit("wide", "pfs-pipeline", pipeline="edges", job=commit.id)
    status = argo.wait("wide", timeout_s=3000)

    assert status["phase"] == "Succeeded", status.get("message")
    job = pfs.inspect_job(f"edges@{commit.id}")
    assert (job.state, job.processed, job.total) == ("success", 400, 400)
    stored = len(json.dumps(argo.get("wide")))
    assert stored < 900_000, f"{stored} bytes: Argo's limit is 1 MiB"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pipeline": "nothing"}, "pipeline-not-found"),
        ({"pipeline": "edges", "job": "1" * 32}, "job-not-found"),
        ({"pipeline": "edges", "job": "x"}, "id-illegal"),
        ({"pipeline": "edges", "job": "HELD"}, "job-taken"),
        ({"pipeline": "edges"}, "job-taken"),
        ({"pipeline": "-a b/é!"}, "name-illegal"),
    ],
    ids=["no pipeline", "no job", "no id", "held", "any held", "no name"],
)
def test_what_cannot_be_run_fails_at_once_with_one_message(
    argo: Argo, pfs: Pfs, given: dict[str, str], said: str
) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline(EDGES)
    change = put_images(pfs, "a")
    pfs.claim_job("edges", owner="somebody", lease_s=600)

    arguments = {name: change if value == "HELD" else value for name, value in given.items()}
    argo.submit("refused", "pfs-pipeline", cluster=False, **arguments)
    status = argo.wait("refused")

    assert status["phase"] == "Failed"
    messages = [node.get("message", "") for node in status["nodes"].values()]
    assert [message for message in messages if message.endswith(f"[{said}]")]
    assert not any("begin(1)" in node["displayName"] for node in status["nodes"].values())


def test_many_workers_become_one_indexed_job(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline({**EDGES, "parallelism_spec": {"constant": 3}})
    change = put_images(pfs, *"abc")

    argo.submit("many", "pfs-pipeline", pipeline="edges", job=change, max_pods="2")
    status = argo.wait("many")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert pfs.read_file("edges@master:/c") == b"C\n"
    owners = argo.cluster.get("jobs", argo.namespace)[0]["metadata"]["ownerReferences"]
    assert [owner["kind"] for owner in owners] == ["Workflow"]
