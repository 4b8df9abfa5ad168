"""What deploy/ renders to.

If an object of it differs, the next `kubectl apply` of somebody who follows the overlays changes a
running installation: names that change leave the old object behind, selectors cannot change at all.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider import __version__
from pfs_provider.k8s.rights import needed_rights
from pfs_provider.settings import load_settings
from tests.deployments import (
    OVERLAYS,
    ROOT,
    SYSTEM,
    WORKERS,
    as_yaml,
    of_kind,
    pod_specs,
    render_overlay,
    settings_of,
)

COMPONENTS = ("guard", "job-secrets", "metrics", "restricted")
PAGE = ROOT / "docs" / "how-to" / "deploy.md"
VERBS = {
    "create": "create", "find": "get", "get": "get", "list_objects": "list", "patch": "patch",
    "delete": "delete",
}  # fmt: skip
"""Methods of KubeClient, and the verb that each needs."""


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_as_before(overlay: str, golden: Callable[[str, bytes], None]) -> None:
    golden(f"deploy/{overlay}.yaml", as_yaml(render_overlay(overlay)).encode())


def test_all_components_together_render_as_before(golden: Callable[[str, bytes], None]) -> None:
    rendered = render_overlay("external", COMPONENTS)

    golden("deploy/external-with-all-components.yaml", as_yaml(rendered).encode())


@pytest.mark.parametrize(
    ("own_secret", "components"), [(False, ()), (True, ("job-secrets",))], ids=["named", "own"]
)
def test_the_role_grants_what_a_launcher_needs_and_nothing_else(
    own_secret: bool, components: tuple[str, ...]
) -> None:
    (role,) = of_kind(render_overlay("external", components), "Role")
    granted = [
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]

    assert sorted(granted) == sorted(needed_rights(own_secret=own_secret))


def test_the_code_makes_the_calls_that_the_role_is_for() -> None:
    source = ROOT / "pfs_provider"
    # What a workflow's steps call is for another role: tests/unit/argo/test_access.py.
    paths = [path for path in source.rglob("*.py") if source / "argo" not in path.parents]
    calls = {call for path in paths for call in _calls(path)}
    needed = {(resource, verb) for _, resource, verb in needed_rights(own_secret=True)}

    assert calls == needed


def test_there_are_no_rights_but_the_roles() -> None:
    for overlay in OVERLAYS:
        objects = render_overlay(overlay, COMPONENTS if overlay != "airflow" else ())

        assert not of_kind(objects, "ClusterRole", "ClusterRoleBinding")
        assert len(of_kind(objects, "Role")) == len(of_kind(objects, "RoleBinding")) == 1
        assert all(each["metadata"]["namespace"] == WORKERS for each in of_kind(objects, "Role"))


@pytest.mark.parametrize("overlay", ["external", "with-services"])
def test_no_secret_of_the_catalog_is_where_user_code_runs(overlay: str) -> None:
    objects = render_overlay(overlay)

    named = {
        (each["metadata"]["namespace"], secret)
        for each in of_kind(objects, "Deployment", "StatefulSet", "Job")
        for secret in re.findall(r"(pfs-catalog|minio-root|pfs-store)", as_yaml([each]))
    }

    assert not of_kind(objects, "Secret")  # they are made by people, and stand in no file here
    assert {namespace for namespace, _ in named} == {SYSTEM}


@pytest.mark.parametrize("overlay", ["external", "with-services"])
def test_every_container_is_closed_and_has_limits(overlay: str) -> None:
    pods = dict(pod_specs(render_overlay(overlay, ["metrics"])))

    for pod in pods.values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"] + pod.get("initContainers", []):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
            assert re.search(r":[\w.-]*\d+\.\d+|:RELEASE\.\d{4}", container["image"])
    for name in pods.keys() - {"minio-setup"}:
        assert {"livenessProbe", "readinessProbe"} <= pods[name]["containers"][0].keys()


@pytest.mark.parametrize("overlay", ["external", "with-services"])
def test_settings_are_known_ones_and_name_the_image_that_the_scheduler_has(
    overlay: str,
) -> None:
    objects = render_overlay(overlay, ["restricted"])
    found = settings_of(objects)
    image = dict(pod_specs(objects))["pfs-scheduler"]["containers"][0]["image"]

    settings = load_settings(**{name.removeprefix("PFS_").lower(): found[name] for name in found})

    assert image == found["PFS_K8S_WORKER_IMAGE"] == f"pfs-provider:{__version__}"
    assert settings.cluster["namespace"] == WORKERS
    assert settings.cluster["security"] == "restricted"
    assert settings.catalog_url.startswith("postgresql://")


@pytest.mark.parametrize("name", ["pfs-metrics", "pfs-scheduler"])
def test_commands_are_ones_that_pfs_knows(name: str) -> None:
    pod = dict(pod_specs(render_overlay("external", ["metrics"])))[name]
    program, *arguments = pod["containers"][0]["command"]

    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments, "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_the_page_lists_every_right_secret_and_setting() -> None:
    text = PAGE.read_text()
    wanted = {f"`{resource}`" for _, resource, _ in needed_rights(own_secret=True)}
    wanted |= {f"`{name}`" for name in ("pfs-catalog", "pfs-store", "minio-root")}
    wanted |= {f"`{name}`" for name in settings_of(render_overlay("external", ["restricted"]))}
    wanted |= {f"`{name}`" for name in COMPONENTS}
    wanted |= {f"overlays/{name}" for name in OVERLAYS}

    assert [word for word in sorted(wanted) if word not in text] == []


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh to parse it")
def test_scripts_are_ones_that_any_sh_can_parse() -> None:
    for script in (ROOT / "deploy").rglob("*.sh"):
        assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0


def _calls(path: Path) -> set[tuple[str, str]]:
    """Return (resource, verb) of the calls of a KubeClient in a module."""
    return {
        (call.args[0].id.lower(), VERBS[call.func.attr])
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in VERBS
        and call.args
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id in {"JOBS", "PODS", "EVENTS", "SECRETS"}
    }
