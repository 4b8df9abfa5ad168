"""What the pods of a workflow do, without Argo: its containers as plain pods of the same shape.

This process stands in for the controller: it fills in parameters, hands the outputs of one step to
the next, and merges the patch of a worker's pod as Argo does.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from pfs_provider.argo.parts import IMAGE, OUTPUTS
from pfs_provider.argo.templates import build_templates
from pfs_provider.infos import RunCommitInfo
from pfs_provider.pfs import Pfs
from tests.cluster import USER_IMAGE, Cluster, pod_host
from tests.forwarder import Forwarder
from tests.services import StorePlace, need

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(600),
]

WORKFLOW = {
    "workflow.namespace": "n",
    "workflow.name": "w",
    "workflow.uid": "0-1",
    "node.name": "w.node",
    "workflow.status": "Failed",
    "workflow.failures": "[]",
}


@pytest.fixture
def catalog(postgres_url: str, cluster: Cluster) -> Iterator[str]:
    server = urlsplit(need("PFS_TEST_POSTGRES", "postgres"))
    with Forwarder((pod_host(), 0), (server.hostname or "", server.port or 5432)) as forwarder:
        host, port = forwarder.address
        parts = urlsplit(postgres_url)
        yield parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{host}:{port}").geturl()


class Pods:
    """Steps of the template ``pfs-pipeline`` as pods of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str, image: str) -> None:
        self.cluster, self.namespace, self.image = cluster, namespace, image
        (document,) = (
            part
            for part in build_templates(cluster=False)
            if part["metadata"]["name"] == "pfs-pipeline"
        )
        self.templates = {part["name"]: part for part in document["spec"]["templates"]}

    def start(self, name: str, template: str, **given: str) -> None:
        """Start the pod of a step."""
        part = self.templates[template]
        declared = part.get("inputs", {}).get("parameters", ())
        values = WORKFLOW | {
            f"inputs.parameters.{parameter['name']}": given.get(
                parameter["name"], parameter.get("value") or ""
            )
            for parameter in declared
        }
        filled = _fill({key: part[key] for key in part if key != "podSpecPatch"}, values)
        pod: dict[str, Any] = {
            "restartPolicy": "Never",
            "containers": [{"name": "main", **filled["container"]}],
            "initContainers": filled.get("initContainers", []),
            "volumes": filled.get("volumes", []),
            "securityContext": filled.get("securityContext", {}),
        }
        pod = _merge(pod, json.loads(given.get("pod", "{}")))
        document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"step": template}},
            "spec": json.loads(json.dumps(pod).replace(IMAGE, self.image)),
        }
        self.cluster.kubectl("create", "-n", self.namespace, "-f", "-", given=json.dumps(document))

    def wait(self, name: str) -> tuple[str, str]:
        """Return a pod's phase when it has ended, and what its main container said last."""
        deadline = time.monotonic() + 240
        while True:
            (pod,) = (
                pod
                for pod in self.cluster.get("pods", self.namespace)
                if pod["metadata"]["name"] == name
            )
            status = pod["status"]
            if status["phase"] in {"Succeeded", "Failed"}:
                (main,) = status["containerStatuses"]
                return status["phase"], main["state"]["terminated"].get("message", "")
            assert time.monotonic() < deadline, status
            time.sleep(0.5)

    def wait_for_log(self, name: str, text: str) -> None:
        """Return when the main container of a pod has said something."""
        deadline = time.monotonic() + 240
        command = ("logs", "-n", self.namespace, name, "-c", "main")
        # A container that has not started yet has no log.
        while text not in (said := self.cluster.kubectl(*command, check=False)):
            assert time.monotonic() < deadline, said
            time.sleep(0.5)

    def outputs(self, name: str) -> dict[str, str]:
        """Run a step that prints its outputs at its end, and return them."""
        text = self.cluster.kubectl("logs", "-n", self.namespace, name, "-c", "main")
        return dict(json.loads(text.splitlines()[-1]))


def _fill(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(part, values) for name, part in value.items()}
    if isinstance(value, list):
        return [_fill(part, values) for part in value]
    if isinstance(value, str):
        return re.sub(r"\{\{([^{}]+)\}\}", lambda tag: values[tag[1]], value)
    return value


def _merge(pod: Any, patch: Any) -> Any:
    """Merge as a strategic merge patch does: lists of named things by their names."""
    if isinstance(pod, dict) and isinstance(patch, dict):
        merged = {name: _merge(pod.get(name), part) for name, part in patch.items()}
        return {**pod, **merged}
    if isinstance(pod, list) and isinstance(patch, list) and _is_named([*pod, *patch]):
        found = {part["name"]: part for part in pod}
        for part in patch:
            found[part["name"]] = _merge(found.get(part["name"]), part)
        return list(found.values())
    return patch


def _is_named(parts: list[Any]) -> bool:
    return all(isinstance(part, dict) and "name" in part for part in parts)


@pytest.fixture
def pods(cluster: Cluster, namespace: str, image: str, pod_store: StorePlace, catalog: str) -> Pods:
    secrets = {
        "pfs-catalog": {"PFS_CATALOG": catalog},
        "pfs-store": {
            "PFS_STORE": pod_store.url,
            **{name.upper(): value for name, value in pod_store.options.items()},
        },
    }
    for name, values in secrets.items():
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "stringData": values,
        }
        cluster.kubectl("create", "-n", namespace, "-f", "-", given=json.dumps(secret))
    made = Pods(cluster, namespace, image)
    # Argo reads outputs from the container itself; here the step prints them.
    begin = made.templates["begin"]["container"]
    command = [*begin["command"], *begin["args"]]
    reading = (
        "import json, pathlib, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=sys.stderr)\n"
        f"folder = pathlib.Path('{OUTPUTS}')\n"
        "if done.returncode == 0:\n"
        "    print(json.dumps({path.name: path.read_text() for path in folder.iterdir()}))\n"
        "sys.exit(done.returncode)\n"
    )
    begin |= {"command": ["python", "-c", reading], "args": command}
    return made


@pytest.fixture
def pfs(pod_store: StorePlace, postgres_url: str) -> Iterator[Pfs]:
    with Pfs(catalog=postgres_url, store=pod_store.url, store_options=pod_store.options) as opened:
        yield opened


def _create(pfs: Pfs, command: str, *names: str) -> str:
    pfs.create_repo("images")
    pfs.create_pipeline(
        {
            "pipeline": {"name": "edges"},
            "input": {"pfs": {"repo": "images", "glob": "/*"}},
            "transform": {"image": USER_IMAGE, "cmd": ["sh"], "stdin": [command]},
            "parallelism_spec": {"constant": 2},
        }
    )
    with pfs.commit("images@master") as commit:
        for name in names:
            commit.put_file(f"/{name}", name.encode())
    return commit.id


def test_pods_of_the_templates_run_a_pipeline(pods: Pods, pfs: Pfs) -> None:
    command = (
        "test ! -e /var/run/secrets/kubernetes.io/serviceaccount/token && "
        "cp /pfs/images/* /pfs/out/"
    )
    change = _create(pfs, command, "a", "b", "c")

    pods.start("begin", "begin", pipeline="edges", job=change)
    assert pods.wait("begin") == ("Succeeded", "")
    told = pods.outputs("begin")
    assert (told["pods"], told["id"]) == ("2", change)
    pods.start("keep", "keep", job=told["job"], lease="60")
    for number in range(int(told["pods"])):
        pods.start(f"work-{number}", "work", number=f"{number}", pod=told["pod"], id=told["id"])
    ends = [pods.wait(f"work-{number}")[0] for number in range(int(told["pods"]))]
    pods.start("finish", "finish", job=told["job"])
    finish = pods.wait("finish")
    pods.wait_for_log("keep", f"{told['job']} is kept\n")

    assert ends == ["Succeeded", "Succeeded"]
    assert finish == ("Succeeded", "")
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.processed, job.total) == ("success", 3, 3)
    assert pfs.read_file("edges@master:/b") == b"b"
    commit = pfs.inspect_commit("edges@master")
    assert isinstance(commit, RunCommitInfo)
    assert (commit.run["workflow"], commit.run["uid"]) == ("w", "0-1")


def test_steps_that_are_tried_again_and_the_exit_handler_say_what_is_wrong(
    pods: Pods, pfs: Pfs
) -> None:
    change = _create(pfs, "false", "a")

    pods.start("wrong", "begin", pipeline="nothing")
    pods.start("begin", "begin", pipeline="edges", job=change)
    wrong = pods.wait("wrong")
    pods.wait("begin")
    pods.start("again", "begin", pipeline="edges", job=change)
    pods.wait("again")
    assert pods.outputs("again") == pods.outputs("begin")
    pods.start("settle", "settle")
    settled = pods.wait("settle")
    reason = pfs.inspect_job(f"edges@{change}").reason
    pods.start("finish", "finish", job=pods.outputs("begin")["job"])
    finish = pods.wait("finish")

    assert wrong[0] == "Failed"
    assert wrong[1].endswith("[pipeline-not-found]")
    assert settled[0] == "Succeeded"
    assert reason == "workflow n/w: Failed"
    assert finish[0] == "Failed"
    assert "workers ended before the work was done" in finish[1]
