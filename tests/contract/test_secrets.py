"""Secrets of user code, with every executor: in variables and files, and nowhere else.

A value is looked for in logs, in the arguments of every process of this machine, in the catalog,
the store and messages.
"""

import base64
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import Pfs
from pfs_provider.errors import ErrorCode, FailedError
from tests.containers import find_image
from tests.contract.executors import SITUATIONS, Bench, open_bench

pytestmark = pytest.mark.timeout(300)  # engines that start containers on a busy machine

VALUE, FILE = "zebra-hunter-22", "giraffe\nkeeper-33\n"
SECRET = {
    "kind": "Secret",
    "metadata": {"name": "shop-db"},
    "data": {"password": base64.b64encode(VALUE.encode()).decode()},
    "stringData": {"ca.pem": FILE},
}
WANTED = [
    {"name": "shop-db", "key": "password", "env_var": "PASSWORD"},
    {"name": "shop-db", "mount_path": "/secrets/db"},
]
HIDDEN = (VALUE, "keeper-33", base64.b64encode(VALUE.encode()).decode())
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


@pytest.fixture(params=SITUATIONS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with open_bench(request.param) as bench:
        yield bench


def _arguments_of_all() -> str:
    """Return what `ps` shows of this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def test_a_masked_variable_arrives_and_is_in_no_arguments(bench: Bench) -> None:
    odd = 'it\'s $HOME\n"zebra" `x` \\'
    env = {**ENV, "PASSWORD": odd, "script": "giraffe-44", "my-repo": "a b"}
    seen: list[str] = []
    script = 'printf %s "$PASSWORD$script" >/pfs/out/v; env | sort >/pfs/out/env; sleep 1'

    watch = threading.Timer(0.5, lambda: seen.append(_arguments_of_all()))
    watch.start()
    bench.sh(script, env=env, masked=("PASSWORD", "script", "absent"))
    watch.join()

    assert (bench.out / "v").read_text() == odd + "giraffe-44"
    assert "giraffe-44" not in seen[0]
    assert "zebra" not in seen[0]
    assert "sleep 1" in seen[0]
    assert "quiet=" not in (bench.out / "env").read_text()


def test_files_are_mounted_read_only_where_there_is_a_root_of_its_own(bench: Bench) -> None:
    folders = {"/secrets/db": {"a": b"zebra", "b": b"\xff"}}
    if bench.situation == "fallback":
        with pytest.raises(FailedError, match="env_var") as failed:
            bench.run("true", folders=folders)
        assert failed.value.code == ErrorCode.FOLDER_NOT_MADE
        assert not Path("/secrets").exists()
        return
    if bench.situation == "shim":
        pytest.skip(
            "a pod's secrets are mounted when the pod is made: tests/golden/test_manifests.py"
        )

    said = bench.sh(
        "cat /secrets/db/a; echo; ls /secrets/db; touch /secrets/db/x 2>/dev/null || echo no",
        folders=folders,
    )

    assert said.split() == ["zebra", "a", "b", "no"]
    assert not Path("/secrets").exists()


@pytest.fixture(params=["process", "container"])
def executor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pfs]:
    monkeypatch.setenv("PFS_CONTAINER_PULL", "never")
    monkeypatch.setenv("PFS_CONTAINER_OPTIONS", "--network none")
    monkeypatch.setenv("PFS_SECRETS", str(tmp_path / "secrets"))
    with Pfs(home=tmp_path / "home") as pfs:
        pfs.create_secret(SECRET)
        pfs.create_repo("in")
        with pfs.commit("in@master") as c:
            c.put_file("/a", b"1")
        yield pfs


def _spec(executor: str, script: str, **transform: Any) -> dict[str, Any]:
    image = {"image": find_image(), "user": "worker"} if executor == "container" else {}
    return {
        "pipeline": {"name": "up"},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "transform": {"cmd": ["sh"], "stdin": [script], "secrets": WANTED, **image, **transform},
        "datum_tries": 1,
    }


def _run(pfs: Pfs, executor: str, spec: dict[str, Any]) -> tuple[str, str, str]:
    """Return the job's state and reason, and its log; nothing that was hidden may be anywhere."""
    pfs.create_pipeline(spec)
    [job] = pfs.run("up", executor=executor)
    name = f"up@{job.id}"
    log = "\n".join(line.text for line in pfs.logs(job=name))
    told = [job.reason or "", log, *(str(datum) for datum in pfs.list_datums(name))]
    for value in HIDDEN:
        assert value not in "\n".join(told)
    return job.state, job.reason or "", log


def _holding(folder: Path) -> list[str]:
    """Return the files of a folder that hold a value."""
    words = [option for value in HIDDEN for option in ("-e", value)]
    done = subprocess.run(
        ["grep", "-rlaF", *words, str(folder)], capture_output=True, text=True, check=False
    )
    return done.stdout.split()


CHECK = """
set -e
printf %s "$PASSWORD" | cmp - /secrets/db/password
[ "$(wc -c </secrets/db/ca.pem)" = 18 ]
echo "the password is $PASSWORD"; cat /secrets/db/ca.pem
! echo x >/secrets/db/new
echo done >/pfs/out/a
"""


def test_user_code_has_them_and_nothing_else_does(pfs: Pfs, executor: str, tmp_path: Path) -> None:
    state, reason, log = _run(pfs, executor, _spec(executor, CHECK))

    assert (state, reason) == ("success", "")
    assert "the password is ***" in log
    assert pfs.read_file("up@master:/a") == b"done\n"
    assert _holding(tmp_path / "home") == []
    assert _holding(Path("/dev/shm")) == []


def test_so_has_err_cmd(pfs: Pfs, executor: str) -> None:
    more = {"err_cmd": ["sh"], "err_stdin": [CHECK]}
    spec = _spec(executor, "false", **more)
    pfs.create_pipeline(spec)

    [job] = pfs.run(executor=executor)

    assert (job.state, job.recovered) == ("success", 1)


def test_so_has_a_program_that_stays_up_whose_errors_are_masked(
    pfs: Pfs, executor: str, tmp_path: Path
) -> None:
    script = (
        "while pfs next datum $said; do\n"
        'said="--error=no_$PASSWORD"; cat /secrets/db/ca.pem; echo "$PASSWORD"\ndone'
    )

    state, reason, log = _run(pfs, executor, _spec(executor, script, datum_batching=True))

    assert state == "failure"
    assert "***" in log
    assert "no_***" in reason
    assert _holding(tmp_path / "home") == []


def test_a_missing_one_fails_the_job_before_any_datum_and_the_next_job_is_fine(
    pfs: Pfs, executor: str
) -> None:
    pfs.delete_secret("shop-db")

    state, reason, log = _run(pfs, executor, _spec(executor, CHECK))

    assert state == "failure"
    assert reason.startswith("transform.secrets[0].env_var: the secret 'shop-db' with the key")
    assert "pfs create secret" in reason
    assert log == ""
    pfs.create_secret(SECRET)
    pfs.rerun_pipeline("up")
    assert [job.state for job in pfs.run(executor=executor)] == ["success"]


def test_a_killed_worker_leaves_no_file_with_a_value(pfs: Pfs, tmp_path: Path) -> None:
    pfs.create_pipeline(_spec("container", "sleep 600"))
    job = pfs.claim_job("up", owner="me", lease_s=60)
    assert job is not None
    pfs.plan_job(f"up@{job.id}")
    workers = pfs.launch_job(f"up@{job.id}", workers=1, executor="container")
    while not _holding(Path("/dev/shm")):
        time.sleep(0.05)  # a real engine

    os.kill(workers._processes[0]._process.pid, signal.SIGKILL)  # type: ignore[attr-defined]

    while _holding(Path("/dev/shm")):
        time.sleep(0.05)  # its keeper removes it
    workers.stop()
    assert _holding(tmp_path / "home") == []
