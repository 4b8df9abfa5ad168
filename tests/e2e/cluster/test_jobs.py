"""Jobs whose workers are pods: what they make, and what is left behind."""

from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]


def _put(pfs: Pfs, n_files: int) -> None:
    pfs.create_repo("in")
    with pfs.commit("in@master") as commit:
        for number in range(n_files):
            commit.put_file(f"/{number:04}", f"{number}\n".encode())


def _spec(script: str, **more: Any) -> dict[str, Any]:
    transform = {"cmd": ["sh"], "stdin": [script], **more.pop("transform", {})}
    return {
        "pipeline": {"name": "up"},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "transform": transform,
        **more,
    }


def test_pods_work_the_datums_and_are_gone_afterwards(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    _put(pfs, 8)
    pfs.create_pipeline(_spec(
        "for f in /pfs/in/*; do tr 0-9 a-j <$f >/pfs/out/${f##*/}; done",
        parallelism_spec={"constant": 2},
    ))  # fmt: skip

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert (job.state, job.reason) == ("success", "")
    assert (job.processed, job.total) == (8, 8)
    assert pfs.read_file("up@master:/0007") == b"h\n"
    assert cluster.get("pods", options["namespace"]) == []
