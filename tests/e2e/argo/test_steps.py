"""Maps, checkouts, commits and references from a user's own workflow, under a real Argo."""

import json

import pytest

from pfs_provider.infos import RunCommitInfo
from pfs_provider.pfs import Pfs
from tests.argo import Argo
from tests.cluster import USER_IMAGE
from tests.e2e.argo.test_pipeline import EDGES, put_images

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]


def test_a_map_needs_no_pipeline_and_works_only_what_is_new(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    put_images(pfs, "a", "b")
    given = {
        "input": "images@master",
        "output": "sizes",
        "image": USER_IMAGE,
        "command": "for f in /pfs/images/*; do wc -c < $f > /pfs/out/$(basename $f); done",
    }

    argo.submit("first", "pfs-map", cluster=False, **given)
    first = argo.wait("first")
    change = put_images(pfs, "ccc")
    argo.submit("second", "pfs-map", cluster=False, **given)
    second = argo.wait("second")

    assert first["phase"] == "Succeeded", argo.tell(first)
    assert second["phase"] == "Succeeded", argo.tell(second)
    assert pfs.read_file("sizes@master:/ccc").strip() == b"4"
    job = pfs.list_jobs("sizes")[0]
    assert (job.processed, job.skipped) == (1, 2)
    assert pfs.inspect_commit("sizes@master").provenance == (f"default/images@{change}",)


def test_a_map_with_wrong_parameters_says_so_at_once_and_leaves_nothing(
    argo: Argo, pfs: Pfs
) -> None:
    pfs.create_repo("images")
    put_images(pfs, "a")
    pfs.create_pipeline(EDGES)
    well = {"input": "images@master", "image": USER_IMAGE, "command": "true"}
    cases = {
        "repo": ({"input": "nothing@master"}, "repo-not-found"),
        "branch": ({"input": "images@nothing"}, "branch-not-found"),
        "glob": ({"glob": "/["}, "spec-illegal"),
        "name": ({"output": "no such name"}, "name-illegal"),
        "pipeline": ({"output": "edges"}, "pipeline-exists"),
    }

    for name, (given, _) in cases.items():
        argo.submit(name, "pfs-map", cluster=False, **({"output": name} | well | given))
    statuses = {name: argo.wait(name) for name in cases}

    for name, (_, said) in cases.items():
        assert statuses[name]["phase"] == "Failed", name
        assert f"[{said}]" in argo.tell(statuses[name]), name
        assert "begin(1)" not in argo.tell(statuses[name]), name
    assert [job.pipeline for job in pfs.list_jobs()] == ["edges"]
    assert {repo.name for repo in pfs.list_repos()} == {"images", "edges"}
    argo.wait_for_no_pod()


def test_a_users_own_workflow_reads_a_commit_and_makes_one(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_repo("report")
    change = put_images(pfs, "a", "b")
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "work"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    argo.cluster.kubectl("create", "-n", argo.namespace, "-f", "-", given=json.dumps(claim))

    def ours(name: str, template: str, **given: str) -> dict[str, object]:
        parameters = [{"name": key, "value": value} for key, value in given.items()]
        return {
            "name": name,
            "templateRef": {"name": template, "template": "run"},
            "arguments": {"parameters": parameters},
        }

    def own(name: str, line: str) -> dict[str, object]:
        return {
            "name": name,
            "container": {
                "image": USER_IMAGE,
                "command": ["sh", "-c"],
                "args": [line],
                "volumeMounts": [{"name": "data", "mountPath": "/d"}],
            },
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "work"}}],
        }

    # A folder of the machine has no owner that Kubernetes could set, as other volumes have.
    prepare = own("prepare", "chmod 777 /d")
    count = own("count", "mkdir -p /d/out && ls /d/in | wc -l > /d/out/count")
    first, then = ({"name": name, "template": name} for name in ("prepare", "count"))
    read = ours("read", "pfs-checkout", ref="images@master", claim="work", folder="in")
    made = "{{steps.read.outputs.parameters.commit}}"
    write = ours(
        "write", "pfs-commit", branch="report@master", claim="work", folder="out", provenance=made
    )
    spec = {
        "entrypoint": "main",
        "serviceAccountName": "pfs-workflow",
        "templates": [
            {"name": "main", "steps": [[first], [read], [then], [write]]},
            prepare,
            count,
        ],
    }
    argo.create("WorkflowTemplate", "mine", spec)
    argo.submit("mine", "mine")
    status = argo.wait("mine")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert pfs.read_file("report@master:/count").strip() == b"2"
    commit = pfs.inspect_commit("report@master")
    assert commit.provenance == (f"default/images@{change}",)
    assert isinstance(commit, RunCommitInfo)
    assert (commit.run["workflow"], commit.run["namespace"]) == ("mine", argo.namespace)


def test_a_pipeline_is_one_step_of_a_users_own_workflow(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline(EDGES)
    change = put_images(pfs, "a")
    edges = {
        "name": "edges",
        "templateRef": {"name": "pfs-pipeline", "template": "run"},
        "arguments": {"parameters": [{"name": "pipeline", "value": "edges"}]},
    }
    tell = {
        "name": "tell",
        "template": "tell",
        "arguments": {
            "parameters": [{"name": "commit", "value": "{{steps.edges.outputs.parameters.commit}}"}]
        },
    }
    spec = {
        "entrypoint": "main",
        "serviceAccountName": "pfs-workflow",
        "templates": [
            {"name": "main", "steps": [[edges], [tell]]},
            {
                "name": "tell",
                "inputs": {"parameters": [{"name": "commit"}]},
                "container": {
                    "image": USER_IMAGE,
                    "command": ["test"],
                    "args": ["{{inputs.parameters.commit}}", "=", f"default/edges@{change}"],
                },
            },
        ],
    }
    argo.create("WorkflowTemplate", "own", spec)
    argo.submit("own", "own")
    status = argo.wait("own")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert pfs.read_file("edges@master:/a") == b"A\n"
