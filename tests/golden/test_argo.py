"""The pods of workers under Argo stay what they are.

A change here is a change of every pod that a workflow starts: what a spec says of memory, GPUs,
nodes, secrets and patches reaches Kubernetes, or no longer does.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pfs_provider.argo.work import Workplace, render_work
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.spec.load import load_specs
from tests.golden.test_manifests import ACCESS, FULL, JOB, PLAIN, as_json

Golden = Callable[[str, bytes], None]

UNMARKED = {name: value for name, value in FULL.items() if name != "metadata"}
"""Labels and annotations make it an Indexed Job."""


@pytest.mark.parametrize(
    ("name", "spec", "settings"),
    [
        ("pod-plain", PLAIN, {}),
        ("pod-full", UNMARKED, {"pod_patch": '{"hostname": "worker"}'}),
        ("pod-restricted", PLAIN, {"security": "restricted"}),
    ],
)
def test_patches_of_pods_are_what_they_were(
    golden: Golden, name: str, spec: dict[str, Any], settings: dict[str, Any]
) -> None:
    made = load_specs(spec)[0].spec

    work = render_work(_where(settings), JOB, made, made.parallelism)

    assert work.pods == made.parallelism
    golden(f"argo/{name}.json", as_json(json.loads(work.pod)))


def test_indexed_jobs_of_a_workflow_are_what_they_were(golden: Golden) -> None:
    made = load_specs(FULL)[0].spec

    work = render_work(_where({"labels": {"env": "prod"}}), JOB, made, made.parallelism)

    assert work.jobs == 1
    golden("argo/job-full.json", as_json(json.loads(work.manifest)))


def _where(settings: dict[str, Any]) -> Workplace:
    cluster = Cluster(namespace="pfs", worker_image="pfs/worker:1", **settings)
    return Workplace(
        cluster=cluster, access=ACCESS, uid="u-1", max_pods=200, catalog_secret="pfs-catalog"
    )
