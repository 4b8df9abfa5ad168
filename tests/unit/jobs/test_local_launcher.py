"""Workers as processes on this machine, started for real."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.local_launcher import MAX_LOSSES, LocalLauncher
from pfs_provider.jobs.plan import plan_job
from pfs_provider.refs.ids import CommitId
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PipelineSpec
from tests.pfs_world import PfsWorld, spec

SPEC = load_specs(spec("up"))[0].spec
ROOT = str(Path(__file__).resolve().parents[3])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PfsWorld]:
    made = PfsWorld(tmp_path / "world", store=(tmp_path / "store").as_uri())
    made.pfs.create_repo("in")
    yield made
    made.close()


class _NoSetup:
    """Of containers that all are alike."""

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        return ()

    def arguments(self, spec: PipelineSpec) -> tuple[str, ...]:
        return ()


def _planned(world: PfsWorld, script: str) -> JobRef:
    world.put(a="1")
    world.pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
            "transform": {"cmd": ["sh"], "stdin": [script]},
        }
    )
    job = world.claim("up")
    plan_job(world.jobs, job)
    return job


def _launcher(store: str) -> LocalLauncher:
    return LocalLauncher(
        {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ROOT,
            "PFS_STORE": store,
            "PFS_CONFIG": "/dev/null",
        }
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers need Linux")
def test_workers_do_the_work_and_end(world: PfsWorld, tmp_path: Path) -> None:
    job = _planned(world, "cp /pfs/in/a /pfs/out/b")
    workers = _launcher((tmp_path / "store").as_uri()).launch(job, SPEC, 2)

    while workers.poll().alive:
        time.sleep(0.05)  # these are real processes
    workers.stop()

    assert world.pfs.finish_job(str(job)).state == "success"
    assert world.read("up@master") == {"/b": "1"}


def test_a_worker_that_always_fails_is_given_up_with_its_last_words(
    world: PfsWorld,
) -> None:
    job = _planned(world, "true")
    workers = _launcher("s4://nothing").launch(job, SPEC, 1)

    n_looks = 0
    while (state := workers.poll()).problem is None:
        n_looks += 1
        time.sleep(0.05)  # these are real processes
    workers.stop()

    assert f"{MAX_LOSSES} times" in state.problem
    assert "store-url-illegal" in state.problem
    assert n_looks > 0


def test_workers_are_stopped_with_their_user_code(world: PfsWorld, tmp_path: Path) -> None:
    job = _planned(world, "echo begun; sleep 1000")
    workers = _launcher((tmp_path / "store").as_uri()).launch(job, SPEC, 1)
    claims = job.claims
    while not list(world.storage.store.list(claims)):
        time.sleep(0.05)  # these are real processes

    workers.stop()
    workers.stop()

    assert workers.poll().alive == 0
    assert len(list(world.storage.store.list(claims))) == 2  # taken, and given back
    assert not list(world.storage.store.list(job.results))


def test_what_needs_a_cluster_is_named(world: PfsWorld) -> None:
    wanted = load_specs(
        spec(
            "up",
            s3_out=True,
            transform={"secrets": [{"name": "db", "key": "password", "env_var": "PASSWORD"}]},
        )
    )[0].spec

    assert _launcher("memory://").find_unsupported(SPEC) == ()
    assert _launcher("memory://").find_unsupported(wanted) == ("s3_out", "transform.secrets")


@pytest.mark.parametrize(
    ("catalog", "store", "words"),
    [
        ("sqlite:////home/c.db", "s3://bucket/x", "does not reach the catalog in folders"),
        ("postgresql+psycopg://h/d", "file:///home/s", "does not reach the store in folders"),
        ("sqlite:////home/c.db", "/home/s", "does not reach the catalog and the store in folders"),
    ],
)
def test_a_spout_in_a_container_needs_places_that_it_reaches(
    catalog: str, store: str, words: str
) -> None:
    document = {"pipeline": {"name": "tap"}, "transform": {"cmd": ["x"]}, "spout": {}}
    [loaded] = load_specs(document)
    launcher = LocalLauncher(
        {"PFS_STORE": store}, setup=_NoSetup(), client={"PFS_CATALOG": catalog}
    )

    with pytest.raises(RefusedError, match=words) as caught:
        launcher.launch(JobRef(loaded.spec.key, CommitId("a" * 32)), loaded.spec, 1)
    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
