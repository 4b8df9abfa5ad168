"""The worker's entry, called in this process on a real store in a folder."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.worker.environment import SYSTEM_PATH
from pfs_provider.worker.main import main
from pfs_provider.worker.shim.install import main as install_main
from tests.contract.shim_container import ShimContainer, find_busybox
from tests.pfs_world import PfsWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PfsWorld]:
    made = PfsWorld(tmp_path / "world", store=(tmp_path / "store").as_uri())
    made.pfs.create_repo("in")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    umask = os.umask(0o022)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
    os.umask(umask)


@pytest.fixture
def planned(world: PfsWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    world.put(a="1")
    world.pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
            "transform": {"cmd": ["sh"], "stdin": ["cp /pfs/in/a /pfs/out/b"]},
        }
    )
    monkeypatch.setenv("PFS_STORE", (tmp_path / "store").as_uri())
    return str(world.claim("up"))


def test_a_worker_works_a_planned_job_and_leaves_no_folder(
    world: PfsWorld, planned: str, tmp_path: Path
) -> None:
    world.pfs.plan_job(planned)
    hidden = json.dumps([str(tmp_path / "store")])

    code = main([planned, "--scratch", str(tmp_path / "scratch"), "--hidden", hidden])

    assert code == 0
    assert world.pfs.finish_job(planned).state == "success"
    assert world.read("up@master") == {"/b": "1"}
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_job_without_a_plan_is_told(planned: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([planned]) == 1
    assert "plan it first [job-not-ready]" in capsys.readouterr().err


def test_a_store_that_cannot_be_had_is_told(
    planned: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_STORE", "s4://nothing")

    assert main([planned]) == 1
    assert "[store-url-illegal]" in capsys.readouterr().err


def test_an_orphan_ends_at_once(world: PfsWorld, planned: str) -> None:
    assert main([planned, "--parent", str(os.getpid())]) == 0
    assert world.pfs.inspect_job(planned).state == "running"


def test_an_executor_that_is_not_known_is_told(
    planned: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([planned, "--executor", "steam"]) == 1
    assert "steam" in capsys.readouterr().err


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[list[str]]:
    """Yield the options of a worker in a pod, whose user container runs."""
    shim, container = tmp_path / "shim", tmp_path / "container"
    for folder in (container, tmp_path / "volume"):
        folder.mkdir()
    install_main([str(shim), "--volume", str(tmp_path / "volume"), "--busybox", find_busybox()])
    root = tmp_path / "volume/datum"
    made = ShimContainer(container, root=root, shim=shim, env={"PATH": SYSTEM_PATH})
    yield ["--executor", "shim", "--shim", str(shim), "--root", str(root)]
    made.stop()


def test_a_worker_in_a_pod_works_a_planned_job_in_the_user_container(
    world: PfsWorld, planned: str, pod: list[str]
) -> None:
    world.pfs.plan_job(planned)

    assert main([planned, *pod]) == 0
    assert world.pfs.finish_job(planned).state == "success"
    assert world.read("up@master") == {"/b": "1"}
    assert list(Path(pod[-1]).iterdir()) == []


def test_a_worker_in_a_pod_that_is_told_to_stop_asks_for_a_successor(
    world: PfsWorld, planned: str, pod: list[str], tmp_path: Path
) -> None:
    world.pfs.update_pipeline(
        {
            "pipeline": {"name": "up"},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
            "transform": {"cmd": ["sleep", "1000"]},
        }
    )
    job = str(world.claim("up"))
    world.pfs.plan_job(job)
    claims = world.ref("up").claims
    log = tmp_path / "termination-log"

    def stop_when_it_works() -> None:
        while not list(world.storage.store.list(claims)):
            time.sleep(0.05)  # a real worker
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop_when_it_works)
    stopper.start()
    code = main([job, *pod, "--termination-log", str(log)])
    stopper.join()

    assert code == 143
    assert "another takes up its work" in log.read_text()


def test_why_a_worker_ends_stands_where_a_pod_is_looked_at(planned: str, tmp_path: Path) -> None:
    log = tmp_path / "termination-log"

    assert main([planned, "--termination-log", str(log)]) == 1
    assert "plan it first" in log.read_text()


def test_the_executor_of_pods_needs_its_folder(
    planned: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([planned, "--executor", "shim"]) == 1
    assert "--shim" in capsys.readouterr().err
    assert main([planned, "--executor", "shim", "--shim", str(tmp_path)]) == 1
    assert "worker.shim.install" in capsys.readouterr().err


def test_a_worker_tells_what_it_does_and_what_user_code_says(
    world: PfsWorld, planned: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.pfs.plan_job(planned)

    assert main([planned, "--log-json"]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == [
        "worker-started", "set-taken", "datum-started", "datum-ended", "set-delivered",
        "worker-ended",
    ]  # fmt: skip
    ended = lines[3]
    assert (ended["state"], ended["exit_code"], ended["output_bytes"]) == ("success", 0, 1)
    assert {line["job"] for line in lines} == {planned.partition("@")[2]}
    assert {(line["pipeline"], line["worker"]) for line in lines} == {("up", "worker-0")}
