"""A spec's resources in the words of docker and podman."""

from decimal import Decimal
from typing import Any

import pytest

from pfs_provider.jobs.container_engine import ContainerEngine
from pfs_provider.jobs.container_options import find_unsupported, read_quantity, render_options
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PipelineSpec
from tests.pfs_world import spec

DOCKER = ContainerEngine(program="docker", environment={}, is_podman=False, is_rootless=False)
PODMAN = ContainerEngine(program="podman", environment={}, is_podman=True, is_rootless=False)


def _spec(**more: Any) -> PipelineSpec:
    return load_specs(spec("up", **more))[0].spec


def _options(**more: Any) -> str:
    return " ".join(render_options(_spec(**more), DOCKER))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"), ("0.5", "0.5"), ("500m", "0.5"), ("250u", "0.00025"), ("100n", "1E-7"),
        ("2k", "2000"), ("64M", "64000000"), ("1Ki", "1024"), ("1.5Gi", "1610612736"),
        ("2e3", "2000"), ("1E2", "100"), ("1E", "1000000000000000000"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_kubernetes_writes_them(text: str, number: str) -> None:
    assert read_quantity(text) == Decimal(number)


def test_limits_are_limits_and_requests_are_weights() -> None:
    said = _options(
        resource_limits={"memory": "64Mi", "cpu": "1500m"},
        resource_requests={"memory": "32Mi", "cpu": 0.5},
    )

    assert "--memory 67108864 --memory-swap 67108864" in said
    assert "--cpus 1.5" in said
    assert "--memory-reservation 33554432" in said
    assert "--cpu-shares 512" in said


def test_a_request_that_is_no_less_than_the_limit_says_nothing_more() -> None:
    both = {"memory": "64Mi"}

    assert "--memory-reservation" not in _options(resource_limits=both, resource_requests=both)


def test_without_resources_only_the_number_of_processes_is_bound() -> None:
    said = _options()

    assert "--pids-limit" in said
    assert "--memory" not in said
    assert "--cpu" not in said


def test_a_user_gets_no_new_rights() -> None:
    said = _options()

    assert "no-new-privileges" in said
    assert "--cap-drop=MKNOD" in said
    assert "--privileged" not in said


def test_gpus_are_asked_for_in_each_engines_way() -> None:
    wanted = _spec(resource_limits={"gpu": {"type": "nvidia.com/gpu", "number": 2}})

    assert render_options(wanted, DOCKER)[-2:] == ("--gpus", "2")
    assert render_options(wanted, PODMAN)[-2:] == (
        "--device=nvidia.com/gpu=0",
        "--device=nvidia.com/gpu=1",
    )
    assert find_unsupported(wanted) == ()


def test_what_listens_is_published_to_this_machine_alone() -> None:
    assert "--publish 127.0.0.1:8080:8080" in _options(service={"internal_port": 8080})
    assert "--publish" not in _options()


def test_other_devices_are_named() -> None:
    wanted = _spec(resource_limits={"gpu": {"type": "amd.com/gpu", "number": 1}})

    assert find_unsupported(wanted) == ("resource_limits.gpu.type 'amd.com/gpu'",)
