import json

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, FailedError, NotFoundError
from pfs_provider.infos import CommitInfo
from pfs_provider.storage.values import EMPTY_TREE
from tests.pfs_world import PfsWorld


def test_what_a_pod_kept_becomes_one_commit_with_provenance(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_repo("model")
    mounted = world.pfs.mount_commit("in@master")
    world.storage.store.create("mounts/x", json.dumps({"tree": mounted.tree}).encode())
    mine = "0" * 31 + "1"

    made = [
        world.pfs.commit_mounted(
            "model@master", "mounts/x", provenance=[mounted.commit], commit_id=mine
        )
        for _ in range(2)
    ]

    assert made[0].id == made[1].id == mine
    assert world.read("model@master") == {"/a": "1"}
    (source,) = world.pfs.provenance("model@master")
    assert isinstance(source, CommitInfo)
    assert f"default/in@{source.id}" == mounted.commit


def test_a_pod_that_wrote_nothing_makes_an_empty_commit(world: PfsWorld) -> None:
    world.pfs.create_repo("model")
    world.storage.store.create("mounts/x", json.dumps({"tree": EMPTY_TREE.text}).encode())

    assert world.pfs.commit_mounted("model@master", "mounts/x").state == "finished"


def test_what_is_not_told_or_went_wrong_is_an_error(world: PfsWorld) -> None:
    world.pfs.create_repo("model")
    with pytest.raises(ConflictError) as caught:
        world.pfs.commit_mounted("model@master", "mounts/x")
    assert caught.value.code == ErrorCode.JOB_NOT_READY
    world.storage.store.create("mounts/x", json.dumps({"error": "a FIFO"}).encode())
    with pytest.raises(FailedError, match="a FIFO"):
        world.pfs.commit_mounted("model@master", "mounts/x")
    with pytest.raises(NotFoundError):
        world.pfs.mount_commit("model@other")
