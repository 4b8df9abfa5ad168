"""The compose file, judged by the specification's own schema, and by docker where it is there.

tests/golden/deploy/compose-spec.json is compose-go 2.16.2's copy of it (Apache License 2.0). What
breaks if the file is not valid: `docker compose up` of a laptop says so and does nothing.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pfs_provider import __version__
from pfs_provider.settings import load_settings
from tests.deployments import KUSTOMIZE, ROOT, pod_specs, render_overlay

jsonschema = pytest.importorskip("jsonschema", reason="the group test is not installed")

FILE = ROOT / "deploy" / "compose" / "compose.yaml"
SCHEMA = Path(__file__).parent / "deploy" / "compose-spec.json"


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load(FILE.read_text())


def test_it_is_what_the_specification_says(compose: Any) -> None:
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(compose)


def test_docker_takes_it() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], check=False).returncode:
        pytest.skip("docker with its plugin compose is not installed")

    done = subprocess.run(
        [docker, "compose", "-f", str(FILE), "config", "--quiet"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_nothing_listens_for_other_machines(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_images_are_those_of_the_cluster_and_airflow_is_the_locked_one(compose: Any) -> None:
    services = compose["services"]
    pods = dict(pod_specs(render_overlay("with-services")))
    locked = (ROOT / "requirements" / "airflow.txt").read_text()
    version = locked.split("\napache-airflow==")[1].split()[0]

    for name in ("postgres", "minio", "minio-setup"):
        assert services[name]["image"] == pods[name]["containers"][0]["image"]
    assert f"/apache/airflow:{version}\n" in services["airflow"]["build"]["dockerfile_inline"]
    assert services["airflow"]["image"].endswith(f":{__version__}")


def test_the_files_that_it_mounts_and_copies_are_there(compose: Any) -> None:
    airflow = compose["services"]["airflow"]
    copied = [
        word
        for line in airflow["build"]["dockerfile_inline"].splitlines()
        if line.startswith("COPY")
        for word in line.split()[2:-1]
    ]
    mounted = [each.split(":")[0] for each in compose["services"]["minio-setup"]["volumes"]]
    databases = compose["services"]["postgres"]["volumes"][1].split(":")[0]

    assert [name for name in copied if not (FILE.parent / "../.." / name).exists()] == []
    assert [(FILE.parent / name).resolve().parent for name in mounted] == [
        KUSTOMIZE / "overlays" / "with-services"
    ] * 2
    assert [name for name in (*mounted, databases) if not (FILE.parent / name).is_file()] == []


def test_settings_are_known_ones(compose: Any) -> None:
    environment = compose["services"]["airflow"]["environment"]
    given = {
        name.removeprefix("PFS_").lower(): value
        for name, value in environment.items()
        if name.startswith("PFS_")
    }

    assert load_settings(**given).catalog_url == "postgresql://pfs@postgres/pfs"


def test_what_airflow_keeps_is_read_by_its_next_container(compose: Any) -> None:
    """Without a key of ours each container makes its own, and the triggers are lost by `down`."""
    assert "AIRFLOW__CORE__FERNET_KEY" in compose["services"]["airflow"]["environment"]
