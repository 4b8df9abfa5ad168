"""A container that lives as long as who asked for it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, FailedError, UnavailableError
from pfs_provider.jobs.container_engine import ContainerEngine
from pfs_provider.worker.executors.keeper import Keeper
from tests.containers import find_image, find_test_engine, list_containers


@pytest.fixture
def engine() -> ContainerEngine:
    return find_test_engine()


@pytest.fixture
def name(engine: ContainerEngine) -> Iterator[str]:
    made = f"pfs-test-{uuid.uuid4().hex}"
    yield made
    assert list_containers(engine, f"name={made}") == []


def _keep(
    engine: ContainerEngine, name: str, folder: Path, *options: str, user: str | None = None
) -> Keeper:
    image, *cmd = find_image(), "sleep", "1000"
    arguments = ["--detach", "--pull", "never", "--network", "none", *options, image, *cmd]
    return Keeper(
        engine.program, name, arguments,
        environment=engine.environment, said=folder / "said", user=user,
    )  # fmt: skip


def test_a_container_is_up_until_it_is_closed(
    engine: ContainerEngine, name: str, tmp_path: Path
) -> None:
    keeper = _keep(engine, name, tmp_path)

    keeper.wait_until_up()

    assert list_containers(engine, f"name={name}") == [name]
    keeper.close()
    keeper.close()


def test_a_container_that_is_closed_while_it_starts_is_removed(
    engine: ContainerEngine, name: str, tmp_path: Path
) -> None:
    keeper = _keep(engine, name, tmp_path)

    keeper.close()


def test_a_user_that_the_image_does_not_have_is_named(
    engine: ContainerEngine, name: str, tmp_path: Path
) -> None:
    keeper = _keep(engine, name, tmp_path, "--user", "nosuch", user="nosuch")

    with pytest.raises(FailedError, match="'nosuch': the image has no such user") as caught:
        keeper.wait_until_up()

    keeper.close()
    assert caught.value.code == ErrorCode.USER_NOT_FOUND


def test_what_an_engine_refuses_is_told_in_its_words(
    engine: ContainerEngine, name: str, tmp_path: Path
) -> None:
    keeper = _keep(engine, name, tmp_path, "--no-such-option")

    with pytest.raises(UnavailableError, match=r"cannot start the container.*no-such-option"):
        keeper.wait_until_up()

    keeper.close()
