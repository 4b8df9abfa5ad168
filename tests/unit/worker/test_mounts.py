import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.worker.mounts import restore, store_output
from tests.pfs_world import PfsWorld


@pytest.fixture
def world(tmp_path: Path) -> PfsWorld:
    made = PfsWorld(tmp_path / "world", store=(tmp_path / "store").as_uri())
    made.pfs.create_repo("in")
    return made


def test_a_commit_is_put_there_and_what_is_written_is_kept(world: PfsWorld, tmp_path: Path) -> None:
    world.put(a="1", b="2")
    mounted = world.pfs.mount_commit("in@master")
    root = tmp_path / "pfs"

    restore(world.storage, mounted.tree, root / "in")
    assert sorted(path.name for path in (root / "in").iterdir()) == ["a", "b"]
    assert (root / "out").stat().st_mode & 0o777 == 0o777
    (root / "out" / "sum").write_text("3")
    store_output(world.storage, root, "mounts/x")

    told = json.loads(bytes(world.storage.store.read("mounts/x")))
    again = tmp_path / "again"
    restore(world.storage, told["tree"], again / "out2")
    assert (again / "out2" / "sum").read_text() == "3"


def test_what_cannot_be_kept_is_told(world: PfsWorld, tmp_path: Path) -> None:
    out = tmp_path / "pfs" / "out"
    out.mkdir(parents=True)
    os.mkfifo(out / "pipe")

    with pytest.raises(RefusedError):
        store_output(world.storage, tmp_path / "pfs", "mounts/x")

    assert "pipe" in json.loads(bytes(world.storage.store.read("mounts/x")))["error"]


def test_the_sidecar_keeps_when_it_is_told_to_end(world: PfsWorld, tmp_path: Path) -> None:
    out, ready = tmp_path / "pfs" / "out", tmp_path / "ready"
    out.mkdir(parents=True)
    command = [sys.executable, "-m", "pfs_provider.worker.mounts", "keep", str(tmp_path / "pfs")]
    sidecar = subprocess.Popen(
        [*command, "mounts/x", "--ready", str(ready)],
        env={**os.environ, "PFS_STORE": (tmp_path / "store").as_uri()},
    )
    end = time.monotonic() + 20
    while not ready.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    (out / "late").write_text("x")

    sidecar.send_signal(signal.SIGTERM)

    assert sidecar.wait(20) == 0
    assert "tree" in json.loads(bytes(world.storage.store.read("mounts/x")))
