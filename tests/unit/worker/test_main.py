"""The worker's entry, called in this process on a real store in a folder."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.worker.main import main
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
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


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
