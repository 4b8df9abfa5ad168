import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.model import Secret, Transform
from pfs_provider.spec.spots import Notes, Spot
from pfs_provider.spec.transform_shape import TRANSFORM


def _read(value: object) -> Transform:
    return TRANSFORM.read(value, Spot("transform", Notes()))


def test_every_field_is_read_and_written_back() -> None:
    transform = Transform(
        image="python:3.12",
        cmd=("sh",),
        stdin=("a", "b"),
        err_cmd=("true",),
        err_stdin=("c",),
        env={"A": "b"},
        secrets=(Secret(name="s", key="k", env_var="X"), Secret(name="t", mount_path="/t")),
        image_pull_secrets=("p",),
        accept_return_code=(0, 255),
        user="1000",
        working_dir="/app",
        memory_volume=True,
    )

    assert _read(TRANSFORM.write(transform)) == transform


def test_secrets_take_the_spelling_of_1_3() -> None:
    made = _read({"cmd": ["x"], "secrets": [{"name": "s", "mountPath": "/s"}]})

    assert made.secrets == (Secret(name="s", mount_path="/s"),)


def test_a_return_code_is_a_byte() -> None:
    with pytest.raises(RefusedError, match=r"transform\.accept_return_code\[0\] is 256"):
        _read({"cmd": ["x"], "acceptReturnCode": [256]})
