import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.model import Gpu, Resources, Service, Toleration
from pfs_provider.spec.pod_shapes import RESOURCES, SERVICE, TOLERATION
from pfs_provider.spec.spots import Notes, Spot

AT = Spot("x", Notes())


def test_resources_are_read_and_written_back() -> None:
    resources = Resources(
        cpu="500m", memory="64M", disk="1Gi", gpu=Gpu(type="nvidia.com/gpu", number=2)
    )

    assert RESOURCES.read(RESOURCES.write(resources), AT) == resources
    assert RESOURCES.write(Resources()) == {}


def test_a_gpu_needs_type_and_number() -> None:
    with pytest.raises(RefusedError, match=r"x\.gpu\.number is missing"):
        RESOURCES.read({"gpu": {"type": "nvidia.com/gpu"}}, AT)


def test_a_service_has_ports() -> None:
    assert SERVICE.read({"internalPort": "80"}, AT) == Service(internal_port=80)
    with pytest.raises(RefusedError, match="at most 65535"):
        SERVICE.read({"internal_port": 70000}, AT)


@pytest.mark.parametrize("effect", ["NO_EXECUTE", "NoExecute", "noexecute"])
def test_a_toleration_takes_both_worlds_words(effect: str) -> None:
    given = {
        "key": "a",
        "operator": "EQUAL",
        "value": "b",
        "effect": effect,
        "tolerationSeconds": 5,
    }

    assert TOLERATION.read(given, AT) == Toleration(
        key="a", operator="Equal", value="b", effect="NoExecute", toleration_seconds=5
    )
