"""A real Argo for tests: where its controller watches, our templates there, and workflows to ask.

Nothing is started here. A test that asks for a controller that is not there skips, and the reason
names the variable.

    PFS_TEST_ARGO    the namespace that a workflow-controller (v4.1 or newer) watches, or * for all
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pfs_provider.argo.parts import IMAGE
from pfs_provider.argo.rendering import render_files
from tests.cluster import Cluster
from tests.services import StorePlace

__all__ = ["Argo", "find_argo", "open_argo"]

WAIT_S = 1200
"""Far more than it takes: a pod alone takes half a minute on a machine that is busy."""
ENDS = ("Succeeded", "Failed", "Error")


@dataclass(frozen=True, slots=True)
class Argo:
    """Workflows of one namespace."""

    cluster: Cluster
    namespace: str
    image: str

    def submit(self, name: str, template: str, *, cluster: bool = False, **given: str) -> None:
        """Submit as ``argo submit --from`` does: with nothing but arguments."""
        reference: dict[str, Any] = {"name": template}
        if cluster:
            reference["clusterScope"] = True
        parameters = [
            {"name": key.replace("_", "-"), "value": value} for key, value in given.items()
        ]
        spec = {"workflowTemplateRef": reference, "arguments": {"parameters": parameters}}
        self.create("Workflow", name, spec)

    def create(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Make an object of Argo's."""
        document = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        self._kubectl("create", "-f", "-", given=json.dumps(document))

    def get(self, name: str) -> dict[str, Any]:
        """Return a workflow."""
        found: dict[str, Any] = json.loads(self._kubectl("get", "workflow", name, "-o", "json"))
        return found

    def names(self) -> list[str]:
        """Return the names of all workflows."""
        found = self.cluster.get("workflows", self.namespace)
        return sorted(item["metadata"]["name"] for item in found)

    def wait(self, name: str, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """Return a workflow's status when it has ended."""
        deadline = time.monotonic() + timeout_s
        while True:
            status: dict[str, Any] = self.get(name).get("status", {})
            if status.get("phase") in ENDS:
                return status
            assert time.monotonic() < deadline, f"{name} has not ended: {self.tell(status)}"
            time.sleep(0.5)

    def wait_for_node(self, name: str, display: str, phase: str, timeout_s: float = WAIT_S) -> str:
        """Return the id of a node that is in a phase."""
        deadline = time.monotonic() + timeout_s
        while True:
            status = self.get(name).get("status", {})
            for node in (status.get("nodes") or {}).values():
                if node["displayName"].startswith(display) and node["phase"] == phase:
                    return str(node["id"])
            assert time.monotonic() < deadline, f"{name}: {self.tell(status)}"
            time.sleep(0.3)

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """Return the namespace's pods."""
        more = ("-l", selector) if selector else ()
        return self.cluster.get("pods", self.namespace, *more)

    def wait_for_log(self, selector: str, text: str, timeout_s: float = WAIT_S) -> None:
        """Return when the pods of a label have said something."""
        deadline = time.monotonic() + timeout_s
        command = ("logs", "-n", self.namespace, "-l", selector, "-c", "main")
        # A container that has not started yet has no log.
        while text not in (said := self.cluster.kubectl(*command, check=False)):
            assert time.monotonic() < deadline, said
            time.sleep(0.5)

    def wait_for_no_pod(self, timeout_s: float = WAIT_S) -> None:
        """Return when no pod is at work or waits any more."""
        deadline = time.monotonic() + timeout_s
        while left := [
            pod["metadata"]["name"]
            for pod in self.pods()
            if pod["status"]["phase"] not in {"Succeeded", "Failed"}
        ]:
            assert time.monotonic() < deadline, left
            time.sleep(0.5)

    def patch(self, name: str, patch: dict[str, Any]) -> None:
        """Merge into a workflow."""
        self._kubectl("patch", "workflow", name, "--type=merge", "-p", json.dumps(patch))

    def run(self, *command: str) -> None:
        """Run Argo's own program; skip without it."""
        program = shutil.which("argo")
        if program is None:
            pytest.skip("argo, the program of Argo Workflows v4.1, is not on PATH")
        subprocess.run(
            [program, *command, "-n", self.namespace, f"--kubeconfig={self.cluster.kubeconfig}"],
            check=True,
            timeout=60,
        )

    @contextmanager
    def cluster_templates(self) -> Iterator[None]:
        """Install the templates of the whole cluster; remove them in the end."""
        files = render_files()
        wanted = [name for name in files if name.startswith("cluster/pfs-")]
        text = "---\n".join(files[name].replace(IMAGE, self.image) for name in wanted)
        self.cluster.kubectl("apply", "-f", "-", given=text)
        try:
            yield
        finally:
            self.cluster.kubectl("delete", "-f", "-", given=text)

    def tell(self, status: dict[str, Any]) -> str:
        """Return what happened, for a message."""
        nodes = (status.get("nodes") or {}).values()
        lines = [f"{status.get('phase')}: {status.get('message')}"]
        lines += [
            f"  {node['displayName']} {node['phase']} {node.get('message', '')}" for node in nodes
        ]
        return "\n".join(lines)

    def _kubectl(self, *arguments: str, given: str | None = None) -> str:
        return self.cluster.kubectl("-n", self.namespace, *arguments, given=given)


def find_argo() -> str:
    """Return the namespace that a controller watches, ``*`` for all; skip without one."""
    watched = os.environ.get("PFS_TEST_ARGO")
    if not watched:
        pytest.skip(
            "PFS_TEST_ARGO is not set: start a workflow-controller of Argo v4.1 for the cluster "
            "that KUBECONFIG names, and let the variable name the namespace that it watches, or *"
        )
    return watched


@contextmanager
def open_argo(
    cluster: Cluster, namespace: str, *, image: str, store: StorePlace, catalog: str
) -> Iterator[Argo]:
    """Install the templates and all that they stand on into a namespace."""
    files = render_files()
    wanted = [name for name in files if name.startswith(("namespace/pfs-", "access/access"))]
    text = "---\n".join(files[name].replace(IMAGE, image) for name in wanted)
    secrets = {
        "pfs-catalog": {"PFS_CATALOG": catalog},
        "pfs-store": {
            "PFS_STORE": store.url,
            **{name.upper(): value for name, value in store.options.items()},
        },
    }
    for name, values in secrets.items():
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "stringData": values,
        }
        text += f"---\n{json.dumps(secret)}\n"
    cluster.kubectl("apply", "-n", namespace, "-f", "-", given=text)
    try:
        yield Argo(cluster, namespace, image)
    finally:
        cluster.kubectl("delete", "-n", namespace, "--ignore-not-found", "-f", "-", given=text)
        cluster.kubectl("delete", "-n", namespace, "cronworkflows", "--all")
        cluster.kubectl("delete", "-n", namespace, "workflows", "--all")
