"""Pipelines under a real Argo: submitted by calls of its API, worked by pods, right in the end."""

import pytest

from pfs_provider.pfs import Pfs
from tests.argo import Argo
from tests.cluster import USER_IMAGE

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(900),
]

EDGES = {
    "pipeline": {"name": "edges"},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
    "transform": {
        "image": USER_IMAGE,
        "cmd": ["sh"],
        "stdin": ["for f in /pfs/images/*; do tr a-z A-Z < $f > /pfs/out/$(basename $f); done"],
    },
    "parallelism_spec": {"constant": 2},
}
MONTAGE = {
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
    assert commit.run is not None
    workflow = argo.get("edges")["metadata"]
    assert (commit.run["workflow"], commit.run["uid"]) == ("edges", workflow["uid"])
    assert commit.run["node"] == "edges[0].begin"
