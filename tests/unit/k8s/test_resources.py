"""Quantities and devices of a container."""

from pfs_provider.k8s.resources import render_resources
from pfs_provider.spec.model import Gpu, Resources


def test_quantities_keep_their_form() -> None:
    requests = Resources(cpu="0.5", memory="64M", disk="1Gi")
    limits = Resources(memory="128M")

    assert render_resources(requests, limits) == {
        "requests": {"cpu": "0.5", "memory": "64M", "ephemeral-storage": "1Gi"},
        "limits": {"memory": "128M"},
    }


def test_devices_are_limits_even_where_they_are_requested() -> None:
    gpu = Gpu(type="nvidia.com/gpu", number=2)

    assert render_resources(Resources(gpu=gpu), Resources()) == {"limits": {"nvidia.com/gpu": "2"}}
    assert render_resources(Resources(), Resources(gpu=gpu)) == {"limits": {"nvidia.com/gpu": "2"}}


def test_nothing_asked_for_is_nothing() -> None:
    assert render_resources(Resources(), Resources()) == {}
