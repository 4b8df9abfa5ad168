"""What deploy/ renders to, as plain objects, and where else than under its own names it can live.

Nothing here talks to a cluster. ``kubectl kustomize`` and ``helm template`` need none.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
KUSTOMIZE = ROOT / "deploy" / "kustomize"
CHART = ROOT / "deploy" / "helm" / "pfs"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "pfs-services")
HELM = "helm.sh/helm/v3/cmd/helm@v3.22.0"
OVERLAYS = ("airflow", "external", "with-services")
WORKERS, SYSTEM = "pfs", "pfs-system"
"""The two namespaces."""

FIRST = ("Namespace", "ServiceAccount", "Role", "RoleBinding", "ConfigMap")
"""What others need, so that all can be applied in one go."""

Object = dict[str, Any]


def render(folder: Path) -> list[Object]:
    """Return the objects of a kustomization."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which renders deploy/kustomize, is not on PATH")
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return _sorted(yaml.safe_load_all(done.stdout))


def render_overlay(name: str, components: Sequence[str] = ()) -> list[Object]:
    """Return the objects of one of our overlays, with optional components."""
    return render_with(
        {
            "resources": [str(KUSTOMIZE / "overlays" / name)],
            "components": [str(KUSTOMIZE / "components" / each) for each in components],
        }
    )


def render_with(kustomization: Mapping[str, Any]) -> list[Object]:
    """Return the objects of somebody's own kustomization; its folders may be absolute here."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        own = dict(kustomization)
        for field in ("resources", "components"):
            own[field] = [os.path.relpath(each, folder) for each in own.get(field, [])]
        (folder / "kustomization.yaml").write_text(json.dumps(own))
        return render(folder)


def program(name: str, module: str) -> Path:
    """Return where a Go program is, or skip the test with the way to get it."""
    found = shutil.which(name) or shutil.which(name, path=str(CACHE))
    if found is None:
        pytest.skip(f"{name} is missing: GOBIN={CACHE} go install {module} makes it")
    return Path(found)


def render_chart(*values: str, system: str = SYSTEM) -> list[Object]:
    """Return the objects of our chart.

    Args:
        values: ``name=value``.
        system: The release's namespace.
    """
    done = run_chart(*values, system=system)
    assert done.returncode == 0, done.stderr
    return _sorted(yaml.safe_load_all(done.stdout))


def run_chart(*values: str, system: str = SYSTEM) -> subprocess.CompletedProcess[str]:
    """Return what ``helm template`` said."""
    helm = program("helm", HELM)
    sets = [part for value in values for part in ("--set", value)]
    return subprocess.run(
        [helm, "template", "pfs", CHART, "--namespace", system, "--kube-version", "1.34", *sets],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def renamed(objects: Sequence[Object], *, workers: str, system: str) -> list[Object]:
    """Return the objects in two other namespaces, so that tests do not meet each other.

    The prefix of what belongs to no namespace is the workers' one.
    """
    named = {WORKERS: workers, SYSTEM: system}

    def walk(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: walk(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [walk(each) for each in value]
        if key in {"namespace", "kubernetes.io/metadata.name", "PFS_K8S_NAMESPACE"}:
            return named.get(value, value)
        if key == "PFS_STORE":
            return value.replace(f".{SYSTEM}:", f".{system}:")
        return value

    moved = [walk(each) for each in objects]
    for each in moved:
        meta = each["metadata"]
        if each["kind"] == "Namespace":
            meta["name"] = named[meta["name"]]
        elif "namespace" not in meta:
            meta["name"] = f"{workers}-{meta['name']}"
            if "policyName" in each["spec"]:
                each["spec"]["policyName"] = f"{workers}-{each['spec']['policyName']}"
    return moved


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def pod_specs(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """Yield the name and the pod's spec of everything that makes pods."""
    for each in of_kind(objects, "Deployment", "StatefulSet", "Job", "DaemonSet"):
        yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def settings_of(objects: Sequence[Object]) -> dict[str, str]:
    """Return the settings that the scheduler gets."""
    (found,) = [
        each["data"]
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"]["name"].startswith("pfs-settings")
    ]
    return dict(found)


class PlainDumper(yaml.SafeDumper):
    """PyYAML's own ways with text, whatever hera has taught it in this process."""


PlainDumper.add_representer(str, yaml.SafeDumper.represent_str)


def as_yaml(objects: Sequence[Object]) -> str:
    """Return the objects as a file, the same for the same objects."""
    plain = json.loads(json.dumps(objects))  # what stands twice is written twice
    return str(yaml.dump_all(plain, Dumper=PlainDumper, sort_keys=True, width=100))


def digest(text: str) -> str:
    """Return a few characters that differ where the text does."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _sorted(objects: Iterator[Object]) -> list[Object]:
    return sorted(
        (each for each in objects if each),
        key=lambda each: (
            FIRST.index(each["kind"]) if each["kind"] in FIRST else len(FIRST),
            each["kind"],
            each["metadata"].get("namespace", ""),
            each["metadata"]["name"],
        ),
    )
