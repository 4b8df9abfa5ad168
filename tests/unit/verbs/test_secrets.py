"""Secrets through the façade."""

from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, NotFoundError, RefusedError
from tests.pfs_world import PfsWorld


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFS_SECRETS", str(tmp_path / "secrets"))


def _secret(name: str) -> dict[str, object]:
    return {"kind": "Secret", "metadata": {"name": name}, "stringData": {"key": "value"}}


def test_secrets_are_made_listed_shown_and_deleted(world: PfsWorld) -> None:
    made = world.pfs.create_secret([_secret("b"), _secret("a")])

    assert [info.name for info in made] == ["b", "a"]
    assert [info.name for info in world.pfs.list_secrets()] == ["a", "b"]
    assert world.pfs.inspect_secret("a").keys == ("key",)
    world.pfs.delete_secret("a")
    with pytest.raises(NotFoundError):
        world.pfs.inspect_secret("a")


def test_of_several_all_are_made_or_none(world: PfsWorld) -> None:
    world.pfs.create_secret(_secret("there"))

    with pytest.raises(ConflictError):
        world.pfs.create_secret([_secret("new"), _secret("there")])
    with pytest.raises(RefusedError):
        world.pfs.create_secret([_secret("new"), _secret("NOT")])

    assert [info.name for info in world.pfs.list_secrets()] == ["there"]
