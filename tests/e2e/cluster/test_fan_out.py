"""Many datums over few and many workers, on all nodes: every datum once, whoever worked it."""

from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]

N_DATUMS = 200


@pytest.mark.parametrize("n_workers", [4, 16])
def test_200_datums_are_worked_once_each_on_both_nodes(
    n_workers: int, pfs: Pfs, cluster: Cluster, options: dict[str, Any], tmp_path: Path
) -> None:
    source = tmp_path / "numbers"
    source.mkdir()
    for number in range(N_DATUMS):
        (source / f"{number:03d}").write_text(f"{number}\n")
    pfs.create_repo("numbers")
    pfs.create_pipeline(
        {
            "pipeline": {"name": "doubled"},
            "transform": {
                "cmd": ["sh"],
                "stdin": ["for f in /pfs/numbers/*; do cat $f $f > /pfs/out/${f##*/}; done"],
            },
            "input": {"pfs": {"repo": "numbers", "glob": "/*"}},
            "parallelism_spec": {"constant": n_workers},
        }
    )
    with pfs.commit("numbers@master") as commit:
        commit.put_tree("/", source)
    pods: dict[str, str] = {}

    def look(_: object) -> None:
        for pod in cluster.get("pods", options["namespace"]):
            if node := pod["spec"].get("nodeName"):
                pods[pod["metadata"]["name"]] = node

    [job] = pfs.run("doubled", launcher="kubernetes", cluster=options, on_progress=look)

    assert (job.state, job.processed, job.skipped, job.failed) == ("success", N_DATUMS, 0, 0)
    assert len(pods) == n_workers
    assert len(set(pods.values())) == 2
    read = {
        f.path: pfs.read_file(f"doubled@master:{f.path}")
        for f in pfs.list_files("doubled@master:/")
    }
    assert read == {f"/{n:03d}": f"{n}\n{n}\n".encode() for n in range(N_DATUMS)}
