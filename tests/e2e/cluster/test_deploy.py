"""What deploy/ says is accepted by a real API server, and gives the rights that it lists alone."""

import copy
import json
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.cluster import Cluster as ClusterSettings
from pfs_provider.k8s.manifests import render_job
from pfs_provider.k8s.pods import StoreAccess
from pfs_provider.spec.load import load_specs
from tests.cluster import USER_IMAGE, Cluster
from tests.deployments import (
    OVERLAYS,
    Object,
    as_yaml,
    of_kind,
    renamed,
    render_chart,
    render_overlay,
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

LEVELS = ("baseline", "restricted")
CLUSTER_WIDE = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")
"""What everybody may ask of himself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Two namespaces of a test's own."""

    workers: str
    system: str

    def moved(self, objects: list[Object]) -> list[Object]:
        return renamed(objects, workers=self.workers, system=self.system)


@pytest.fixture(scope="module")
def places(cluster: Cluster) -> Iterator[Places]:
    name = f"pfs-deploy-{uuid.uuid4().hex[:8]}"
    found = Places(workers=name, system=f"{name}-system")
    objects = found.moved(render_overlay("external", ["job-secrets"]))
    named = [each["metadata"]["name"] for each in of_kind(objects, "Namespace")]
    kept = of_kind(objects, "Namespace", "ServiceAccount", "Role", "RoleBinding")
    cluster.kubectl("apply", "--server-side", "-f", "-", given=as_yaml(kept))
    try:
        yield found
    finally:
        cluster.kubectl("delete", "namespace", *named, "--wait=false")


@pytest.mark.parametrize(
    ("overlay", "components"),
    [(name, ()) for name in OVERLAYS]
    + [("with-services", ("restricted", "guard", "job-secrets", "metrics"))],
    ids=[*OVERLAYS, "all-components"],
)
def test_the_api_server_accepts_every_overlay(
    cluster: Cluster, places: Places, overlay: str, components: tuple[str, ...]
) -> None:
    objects = places.moved(render_overlay(overlay, components))

    said = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-",
        given=as_yaml(objects),
    )  # fmt: skip

    assert len(said.splitlines()) == len(objects)


def test_the_api_server_accepts_the_chart(cluster: Cluster, places: Places) -> None:
    values = ("services.enabled=true", "guard=true", "jobSecrets=true")
    moved = f"workers.namespace={places.workers}"
    objects = render_chart(*values, moved, system=places.system)

    said = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-",
        given=as_yaml(objects),
    )  # fmt: skip

    assert len(said.splitlines()) == len(objects)


def test_pod_security_admits_all_of_the_deployments_own_pods(
    cluster: Cluster, places: Places
) -> None:
    """A Deployment is accepted whatever its pods are: only a pod is judged."""
    objects = places.moved(render_overlay("with-services"))
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"try-{each['metadata']['name']}", "namespace": places.system},
            "spec": _without_claims(each),
        }
        for each in of_kind(objects, "Deployment", "StatefulSet", "Job")
    ]

    said = cluster.kubectl("create", "--dry-run=server", "-f", "-", given=as_yaml(pods))

    assert len(pods) == 4
    assert said.count("created (server dry run)") == 4


@pytest.mark.parametrize("level", LEVELS)
def test_pod_security_admits_the_pods_of_jobs(cluster: Cluster, level: str) -> None:
    with cluster.namespace() as name:
        cluster.kubectl("label", "namespace", name, f"pod-security.kubernetes.io/enforce={level}")

        said = _create(cluster, _pod_of_a_job(name, level))

    assert "created" in said, said


def test_the_launcher_has_the_rights_of_its_role_and_no_others(
    cluster: Cluster, places: Places, tmp_path: Path
) -> None:
    launcher = _as(cluster, tmp_path, places.system, "pfs-launcher")
    (role,) = of_kind(places.moved(render_overlay("external", ["job-secrets"])), "Role")
    wanted = {
        (_named(group, resource), verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert _rights(launcher, places.workers) == wanted
    assert _rights(launcher, places.system) == set()
    assert _rights(launcher, "default") == set()


@pytest.mark.parametrize("where", ["workers", "system"])
def test_a_worker_has_no_rights_at_all(
    cluster: Cluster, places: Places, tmp_path: Path, where: str
) -> None:
    worker = _as(cluster, tmp_path, places.workers, "pfs-worker")

    assert _rights(worker, getattr(places, where)) == set()


def test_what_is_not_listed_is_refused_when_it_is_tried(
    cluster: Cluster, places: Places, tmp_path: Path
) -> None:
    launcher = _as(cluster, tmp_path, places.system, "pfs-launcher")
    worker = _as(cluster, tmp_path, places.workers, "pfs-worker")
    tries = [
        (launcher, ("get", "secrets", "-n", places.workers)),
        (launcher, ("get", "configmaps", "-n", places.system)),
        (launcher, ("run", "a", f"--image={USER_IMAGE}", "-n", places.workers)),
        (launcher, ("get", "jobs", "-n", places.system)),
        (launcher, ("get", "nodes")),
        (worker, ("get", "pods", "-n", places.workers)),
        (worker, ("get", "jobs", "-n", places.workers)),
        (worker, ("get", "secrets", "-n", places.workers)),
    ]

    answers = [(command, _try(who, *command)) for who, command in tries]

    assert [command for command, answer in answers if "Forbidden" not in answer] == []


def test_a_pods_token_is_mounted_for_the_scheduler_alone(places: Places) -> None:
    objects = places.moved(render_overlay("with-services"))

    mounted = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["automountServiceAccountToken"]
        for each in of_kind(objects, "Deployment", "StatefulSet", "Job")
    }

    assert mounted == {
        "pfs-scheduler": True, "postgres": False, "minio": False, "minio-setup": False,
    }  # fmt: skip


def test_the_guard_keeps_the_stores_secret_from_all_containers_but_storage(
    cluster: Cluster, places: Places
) -> None:
    guard = [
        each
        for each in places.moved(render_overlay("external", ["guard"]))
        if each["kind"].startswith("ValidatingAdmission")
    ]
    names = [f"{each['kind'].lower()}/{each['metadata']['name']}" for each in guard]
    good = _pod(places.workers)
    secret = {"secretRef": {"name": "pfs-store"}}
    key = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "pfs-store", "key": "A"}}}
    projected = {"sources": [{"secret": {"name": "pfs-store"}}]}
    token = {"serviceAccountToken": {"path": "token"}}
    bad = {
        "envFrom of main": _with(good, "containers", 1, envFrom=[secret]),
        "env of init": _with(good, "initContainers", 0, env=[key]),
        "volume": _with(good, volumes=[{"name": "v", "secret": {"secretName": "pfs-store"}}]),
        "projected": _with(good, volumes=[{"name": "v", "projected": projected}]),
        "a token by hand": _with(good, volumes=[{"name": "v", "projected": {"sources": [token]}}]),
        "a token": _with(good, automountServiceAccountToken=True),
    }  # fmt: skip

    cluster.kubectl("apply", "--server-side", "-f", "-", given=as_yaml(guard))
    try:
        _wait_until_denied(cluster, bad["a token"])
        denied = {name: "denied request" in _create(cluster, pod) for name, pod in bad.items()}
        accepted = [
            _create(cluster, pod)
            for pod in (good, *(_pod_of_a_job(places.workers, level) for level in LEVELS))
        ]
        status = cluster.kubectl("get", names[0], "-o", "jsonpath={.status.typeChecking}")
    finally:
        cluster.kubectl("delete", *names)

    assert denied == dict.fromkeys(bad, True)
    assert ["created" in said for said in accepted] == [True] * 3
    assert "expressionWarnings" not in status


def _without_claims(workload: Object) -> Object:
    """Return the pod's spec; what a StatefulSet claims is an emptyDir here."""
    spec: Object = copy.deepcopy(workload["spec"]["template"]["spec"])
    for claim in workload["spec"].get("volumeClaimTemplates", []):
        spec["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
    return spec


def _as(cluster: Cluster, folder: Path, namespace: str, account: str) -> Cluster:
    """Return the cluster as a ServiceAccount sees it: by a real token of it."""
    token = cluster.kubectl("create", "token", account, "-n", namespace).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    path = folder / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return Cluster(path)


def _rights(who: Cluster, namespace: str) -> set[tuple[str, str]]:
    """Return (resource, verb) of all that is allowed; without what everybody may ask of himself."""
    lines = who.kubectl("auth", "can-i", "--list", "-n", namespace).splitlines()[1:]
    return {
        (resource, verb)
        for line in lines
        if (resource := line.split(" ")[0]) and resource.split(".")[0] not in CLUSTER_WIDE
        for verb in re.findall(r"\[([^]]*)\]$", line)[0].split()
    }


def _named(group: str, resource: str) -> str:
    return f"{resource}.{group}" if group else resource


def _try(who: Cluster, *command: str) -> str:
    done = subprocess.run(
        ["kubectl", f"--kubeconfig={who.kubeconfig}", *command],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stderr


def _pod(namespace: str) -> Object:
    secret = {"secretRef": {"name": "pfs-store"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "guarded-", "namespace": namespace},
        "spec": {
            "automountServiceAccountToken": False,
            "initContainers": [{"name": "install", "image": USER_IMAGE}],
            "containers": [
                {"name": "storage", "image": USER_IMAGE, "envFrom": [secret]},
                {"name": "other", "image": USER_IMAGE, "env": [{"name": "A", "value": "b"}]},
            ],
            "volumes": [{"name": "mine", "secret": {"secretName": "mine"}}],
        },
    }


def _pod_of_a_job(namespace: str, level: str) -> Object:
    """Return a pod as a launcher makes it."""
    made = load_specs(
        {
            "pipeline": {"name": "edges"},
            "input": {"pfs": {"repo": "images", "glob": "/*"}},
            "transform": {"image": USER_IMAGE, "cmd": ["true"]},
        }
    )[0].spec
    where = ClusterSettings(namespace=namespace, worker_image=USER_IMAGE, security=level)
    access = StoreAccess(url="s3://pfs/main", secret="pfs-store", lease_s=20.0)
    template = render_job(where, parse_job_ref(f"edges@{'0' * 32}"), made, 1, access)["spec"]
    about = {"generateName": "job-", "namespace": namespace}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": template["template"]["spec"],
    }  # fmt: skip


def _with(pod: Object, containers: str = "", number: int = 0, /, **fields: Any) -> Object:
    changed: Object = copy.deepcopy(pod)
    where = changed["spec"][containers][number] if containers else changed["spec"]
    where.update(fields)
    return changed


def _create(cluster: Cluster, pod: Object) -> str:
    done = subprocess.run(
        ["kubectl", f"--kubeconfig={cluster.kubeconfig}", "create", "--dry-run=server", "-f", "-"],
        input=json.dumps(pod), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def _wait_until_denied(cluster: Cluster, pod: Object) -> None:
    """Wait for the API server to have heard of the policy; it looks every few seconds."""
    deadline = time.monotonic() + 60
    while "denied request" not in (said := _create(cluster, pod)):
        assert time.monotonic() < deadline, said
        time.sleep(0.5)
