"""A folder that a task alone has, wherever the machine has one or none."""

import base64
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.spawner.given import STEP
from tests.contract.executors import ISOLATED, Bench, open_bench

FILES = {"key": b"value", "bytes": b"\xff\x00"}


@pytest.fixture(params=ISOLATED)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with open_bench(request.param) as bench:
        yield bench


@pytest.mark.parametrize(
    "path",
    [
        "/pfs-test-secrets",
        "/pfs-test-secrets/deep/er",
        "/etc/pfs-test",
        "/usr/local/pfs-test/x",
        "/tmp/pfs-test/x",
        "/var/run/secrets/app",
        "/home",
        "/dev/pfs-test",
    ],
)
def test_it_is_there_with_its_files_read_only_and_nowhere_else(bench: Bench, path: str) -> None:
    existed = os.path.lexists(path)

    said = bench.sh(
        f"base64 {path}/bytes; cat {path}/key; echo; ls {path}; touch {path}/x || echo no; "
        f"rm -f {path}/key || echo no; cat /pfs/in/a.txt; touch /pfs/out/x",
        folders={path: FILES},
    )

    lines = [line for line in said.splitlines() if "Read-only" not in line]
    encoded = base64.b64encode(FILES["bytes"]).decode()
    assert lines == [encoded, "value", "bytes", "key", "no", "no", "hello"]
    assert os.path.lexists(path) == existed
    assert "value" not in bench.sh(f"cat {path}/key 2>&1 || true")  # the next task has none


def test_what_is_beside_it_looks_as_before(bench: Bench) -> None:
    look = (
        "stat -c '%A %u %g %n' /etc /etc/* | grep -v pfs-test; "
        "readlink /etc/*; cat /etc/passwd /etc/resolv.conf; ! touch /etc/x 2>/dev/null"
    )

    before = bench.sh(look)

    assert bench.sh(look, folders={"/etc/pfs-test": FILES}) == before


def test_what_the_machine_has_there_is_covered_and_unchanged(bench: Bench) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "own").write_text("the machine's")
        said = bench.sh(f"ls {folder}", folders={folder: FILES})

        assert said.split() == ["bytes", "key"]
        assert [path.name for path in Path(folder).iterdir()] == ["own"]


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/passwd/below"])
def test_a_file_in_its_place_is_an_error_that_names_it(bench: Bench, path: str) -> None:
    with pytest.raises(FailedError, match="mount_path") as failed:
        bench.run("true", folders={path: FILES})

    assert STEP == "folder"
    assert failed.value.code == ErrorCode.FOLDER_NOT_MADE
    assert path in str(failed.value)
    assert "value" not in str(failed.value)
    assert bench.sh("echo fine") == "fine\n"
