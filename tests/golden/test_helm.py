"""The chart renders what kustomize renders, whose goldens say what breaks."""

import re
from typing import Any

import pytest
import yaml

from pfs_provider import __version__
from tests.deployments import (
    CHART,
    ROOT,
    SYSTEM,
    WORKERS,
    Object,
    of_kind,
    render_chart,
    render_overlay,
    run_chart,
    settings_of,
)

PAGE = ROOT / "docs" / "how-to" / "deploy.md"
URLS = (
    "catalog.url=postgresql://pfs@db.example.org/pfs?sslmode=verify-full",
    "store.url=s3://pfs-data/main?region=eu-central-1",
)
DIGEST = re.compile(r"^(pfs-settings|minio-setup)-[a-z0-9]{10}$")


@pytest.mark.parametrize(
    ("values", "overlay", "components"),
    [
        (URLS, "external", ()),
        (("services.enabled=true",), "with-services", ()),
        (
            (
                *URLS,
                "guard=true",
                "jobSecrets=true",
                "workers.security=restricted",
                "metrics.enabled=true",
            ),
            "external",
            ("guard", "job-secrets", "metrics", "restricted"),
        ),
    ],
    ids=["external", "with-services", "all-components"],
)
def test_the_chart_renders_what_the_overlay_does(
    values: tuple[str, ...], overlay: str, components: tuple[str, ...]
) -> None:
    chart = _comparable(render_chart(*values))
    kustomize = _comparable(render_overlay(overlay, components))

    assert chart.keys() == kustomize.keys()
    for name in chart:
        assert chart[name] == kustomize[name]


def test_for_airflow_there_is_no_scheduler_and_its_accounts_may_launch() -> None:
    objects = render_chart(
        *URLS, "scheduler.enabled=false", "launchers[0].name=airflow-worker",
        "launchers[0].namespace=airflow",
    )  # fmt: skip
    (binding,) = of_kind(objects, "RoleBinding")

    assert not of_kind(objects, "Deployment")
    assert binding["subjects"][1] == {
        "kind": "ServiceAccount", "name": "airflow-worker", "namespace": "airflow",
    }  # fmt: skip


def test_other_names_reach_every_object() -> None:
    objects = render_chart(
        "services.enabled=true", "guard=true", "workers.namespace=jobs", "store.secret=bucket",
        "catalog.secret=database", "services.minio.rootSecret=root", system="mine",
    )  # fmt: skip
    text = yaml.safe_dump_all(objects)

    assert not re.search(rf"\b({SYSTEM}|pfs-store'|pfs-catalog|minio-root)\b", text)
    assert {each["metadata"].get("namespace") for each in objects} == {"jobs", "mine", None}
    assert settings_of(objects)["PFS_K8S_NAMESPACE"] == "jobs"


def test_more_settings_reach_the_scheduler_and_restart_it() -> None:
    plain, more = render_chart(*URLS), render_chart(*URLS, "settings.PFS_LEASE_S=30")
    annotations = [
        of_kind(objects, "Deployment")[0]["spec"]["template"]["metadata"]["annotations"]
        for objects in (plain, more)
    ]

    assert settings_of(more)["PFS_LEASE_S"] == "30"
    assert annotations[0] != annotations[1]


def test_passwords_of_egresses_are_mounted_for_the_scheduler_alone() -> None:
    plain = render_chart(*URLS)
    objects = render_chart(*URLS, "egress.secrets={shop-db,lake}", "metrics.enabled=true")
    before, after = (
        next(
            each["spec"]["template"]["spec"]
            for each in of_kind(rendered, "Deployment")
            if each["metadata"]["name"] == "pfs-scheduler"
        )
        for rendered in (plain, objects)
    )
    (container,) = after["containers"]

    assert {"name": "PFS_SECRETS", "value": "/run/pfs-secrets"} in container["env"]
    assert container["volumeMounts"][1:] == [
        {"name": "egress-0", "mountPath": "/run/pfs-secrets/shop-db", "readOnly": True},
        {"name": "egress-1", "mountPath": "/run/pfs-secrets/lake", "readOnly": True},
    ]
    assert after["volumes"][1:] == [
        {"name": "egress-0", "secret": {"secretName": "shop-db"}},
        {"name": "egress-1", "secret": {"secretName": "lake"}},
    ]
    assert "PFS_SECRETS" not in yaml.safe_dump(before)
    others = [each for each in objects if each["metadata"]["name"] != "pfs-scheduler"]
    assert "shop-db" not in yaml.safe_dump(others)


def test_without_places_it_says_what_is_missing() -> None:
    done = run_chart()

    assert done.returncode != 0
    assert "services.enabled" in done.stderr


def test_its_version_is_ours_and_the_page_lists_its_values() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    text = PAGE.read_text()

    assert chart["version"] == chart["appVersion"] == __version__
    assert values["image"] == f"pfs-provider:{__version__}"
    assert [name for name in _paths(values) if f"`{name}`" not in text] == []


def _comparable(objects: list[Object]) -> dict[tuple[str, ...], Object]:
    """Return objects by name, without what only one of the two tools can do."""
    found: dict[tuple[str, ...], Object] = {}
    for each in objects:
        if each["kind"] == "Namespace":  # the chart's are made by hand, because Secrets come first
            continue
        plain = _without_digests(each)
        if plain["kind"] == "Deployment":
            plain["spec"]["template"]["metadata"].pop("annotations", None)
        meta = plain["metadata"]
        found[plain["kind"], meta.get("namespace", ""), meta["name"]] = plain
    assert {namespace for _, namespace, _ in found} <= {WORKERS, SYSTEM, ""}
    return found


def _without_digests(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_digests(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_digests(each) for each in value]
    match = DIGEST.match(value) if isinstance(value, str) else None
    return match[1] if match else value


def _paths(values: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the values' names; resources are Kubernetes' own words."""
    found = []
    for name, value in values.items():
        if isinstance(value, dict) and value and name != "resources":
            found += _paths(value, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found
