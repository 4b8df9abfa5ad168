"""What is sent to Kubernetes for a job stays as it is.

A change here is a change of every pod: what a NetworkPolicy, an admission rule or a dashboard of a
user matches may no longer be met, and Jobs of the version before are adopted by this one.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.manifests import render_job, render_secret
from pfs_provider.k8s.pods import StoreAccess
from pfs_provider.spec.load import load_specs

Golden = Callable[[str, bytes], None]

JOB = parse_job_ref("team/edges@0123456789abcdef0123456789abcdef")
ACCESS = StoreAccess(url="s3://pfs/main?endpoint=http://minio:9000", secret="keys", lease_s=20.0)
PLAIN = {
    "pipeline": {"name": "edges", "project": {"name": "team"}},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
    "transform": {"image": "edges:7", "cmd": ["python3", "/edges.py"]},
}
FULL = PLAIN | {
    "metadata": {"labels": {"cost-center": "42"}, "annotations": {"owner": "vision"}},
    "parallelism_spec": {"constant": 100},
    "transform": {
        "image": "registry.example/edges:7",
        "cmd": ["python3", "/edges.py"],
        "env": {"LEVEL": "3"},
        "user": "1000",
        "working_dir": "/work",
        "memory_volume": True,
        "image_pull_secrets": ["registry"],
        "secrets": [
            {"name": "db", "key": "password", "env_var": "PASSWORD"},
            {"name": "cert", "mount_path": "/cert"},
        ],
    },
    "resource_requests": {"cpu": "0.5", "memory": "64M", "disk": "1Gi"},
    "resource_limits": {"memory": "128M", "gpu": {"type": "nvidia.com/gpu", "number": 1}},
    "sidecar_resource_requests": {"memory": "128M"},
    "scheduling_spec": {"node_selector": {"disk": "ssd"}, "priority_class_name": "low"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "pod_patch": json.dumps([
        {"op": "add", "path": "/containers/0/volumeMounts/-",
         "value": {"name": "models", "mountPath": "/models"}},
        {"op": "add", "path": "/volumes/-",
         "value": {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}},
    ]),
}  # fmt: skip


def as_json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "spec", "settings"),
    [
        ("plain", PLAIN, {}),
        ("full", FULL, {"service_account": "runner", "labels": {"env": "prod"},
                        "annotations": {"pfs/dag": "photos"}}),
        ("restricted", PLAIN, {"security": "restricted"}),
    ],
)  # fmt: skip
def test_jobs_are_what_they_were(
    golden: Golden, name: str, spec: dict[str, Any], settings: dict[str, Any]
) -> None:
    cluster = Cluster(namespace="pfs", worker_image="pfs/worker:1", **settings)
    made = load_specs(spec)[0].spec

    job = render_job(cluster, JOB, made, made.parallelism, ACCESS)

    golden(f"k8s/job-{name}.json", as_json(job))


def test_what_goes_with_a_job_is_what_it_was(golden: Golden) -> None:
    about = {"metadata": {"name": "pfs-edges-x", "namespace": "pfs", "uid": "u"}}

    golden("k8s/secret.json", as_json(render_secret(about, "keys", {"AWS_ACCESS_KEY_ID": "me"})))
