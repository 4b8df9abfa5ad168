"""A job's last step: its output leaves before it is a success."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.errors import ConflictError, ErrorCode, PfsError, RefusedError, UnavailableError
from pfs_provider.jobs.egress import shown_target
from pfs_provider.jobs.finish import finish_job
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.runner import Runner
from pfs_provider.spec.model import Egress
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef
from tests.pfs_world import InlineLauncher, PfsWorld, counts, make_session, spec

AWAY = UnavailableError(ErrorCode.EGRESS_UNAVAILABLE, "it is away")


@dataclass(slots=True)
class Sending:
    """A Sender that fails in a given way, then works. ``sent`` holds the trees."""

    errors: Iterator[PfsError]
    on_send: Callable[[], object] = lambda: None
    sent: list[TreeRef] = field(default_factory=list)

    def send(
        self, egress: Egress, storage: Storage, tree: TreeRef, check: Callable[[], None]
    ) -> None:
        del egress, storage
        self.on_send()
        check()
        error = next(self.errors, None)
        if error is not None:
            raise error
        self.sent.append(tree)


def run(
    world: PfsWorld, sender: Sending, *, patience_s: float = 60.0, lease_s: float = 20.0
) -> str:
    """Run all jobs with another sender; return the last one's name."""
    jobs = replace(world.jobs, sender=sender, egress_patience_s=patience_s, lease_s=lease_s)
    launcher = InlineLauncher(
        storage=world.storage, executor=world.executor, folder=world.folder / "scratch"
    )
    list(Runner(jobs=jobs, launcher=launcher, owner="test").run_ready())
    return str(world.ref("up"))


def test_files_are_there_when_the_job_is_a_success(world: PfsWorld, tmp_path: Path) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up", egress={"url": str(tmp_path / "out")}))

    assert world.run_one().state == "success"
    assert (tmp_path / "out/a").read_text() == "1"

    world.put(a="3")
    assert counts(world.run_one()) == "1+1+0+0/2"
    assert [(tmp_path / "out" / name).read_text() for name in "ab"] == ["3", "2"]


def test_a_table_holds_the_output_of_the_last_job(world: PfsWorld, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        database.execute("CREATE TABLE t (a TEXT, n INTEGER)")
        form = {"type": "CSV", "columns": ["a", "n"]}
        sql = {"url": f"sqlite:///{tmp_path / 'd.db'}", "file_format": form}
        world.commit("in@master", {"/t/1": "n,a\n1,x\n", "/t/2": "a,n\ny,2\n"})
        world.pfs.create_pipeline(spec("up", glob="/t/*", egress={"sql_database": sql}))
        world.run()
        world.commit("in@master", {"/t/1": None})

        assert world.run_one().state == "success"
        assert database.execute("SELECT a, n FROM t").fetchall() == [("y", 2)]


def test_trouble_is_repeated_and_shown_and_the_job_egresses_meanwhile(world: PfsWorld) -> None:
    seen: list[tuple[str, str]] = []

    def look() -> None:
        job = world.pfs.inspect_job(str(world.ref("up")))
        seen.append((job.state, job.reason))

    world.put(a="1")
    world.pfs.create_pipeline(spec("up", egress={"url": "s3://x"}))
    name = run(world, Sending(iter([AWAY]), look))

    again = "egress to s3://x failed: it is away; it is tried again"
    assert seen == [("egressing", ""), ("egressing", again)]
    job = world.pfs.inspect_job(name)
    assert (job.state, job.reason) == ("success", "")


@pytest.mark.parametrize(
    ("error", "n_tries"),
    [
        (AWAY, 2),
        (RefusedError(ErrorCode.EGRESS_ILLEGAL, "it is wrong"), 1),
        (UnavailableError(ErrorCode.EXTRA_MISSING, "no driver"), 1),
    ],
)
def test_a_failed_egress_fails_the_job_and_its_commit(
    world: PfsWorld, error: PfsError, n_tries: int
) -> None:
    world.put(a="1")
    url = "sqlite:////d.db?password=hidden"
    sql = {"url": url, "file_format": {"type": "JSON"}}
    world.pfs.create_pipeline(spec("up", egress={"sql_database": sql}))
    tries: list[None] = []

    def errors() -> Iterator[PfsError]:
        while True:
            tries.append(None)
            yield error

    job = world.pfs.inspect_job(run(world, Sending(errors()), patience_s=1.2))

    assert (job.state, counts(job)) == ("failure", "1+0+0+0/1")
    assert job.reason == f"egress to sqlite:////d.db failed: {error}"
    assert len(tries) == n_tries
    commit = world.pfs.inspect_commit("up@master")
    assert (commit.state, commit.error) == ("error", job.reason)


def test_a_failed_job_sends_nothing(world: PfsWorld) -> None:
    world.put(a="bad")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1, egress={"url": "s3://x"}))
    sender = Sending(iter(()))

    assert world.pfs.inspect_job(run(world, sender)).state == "failure"
    assert sender.sent == []


def test_a_job_that_is_stopped_meanwhile_stays_killed(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", egress={"url": "s3://x"}))
    sender = Sending(iter([AWAY]), lambda: world.pfs.stop_job(str(world.ref("up"))))

    job = world.pfs.inspect_job(run(world, sender))

    assert (job.state, job.reason) == ("killed", "stopped by a user")
    assert sender.sent == []


def test_the_time_of_a_job_ends_its_egress(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", egress={"url": "s3://x"}, job_timeout="1s"))

    job = world.pfs.inspect_job(run(world, Sending(iter([AWAY] * 9))))

    assert job.state == "killed"
    assert "job_timeout" in job.reason
    assert "egress to s3://x" in job.reason


def test_the_lease_is_kept_for_whoever_finishes(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", egress={"url": "s3://x"}))
    jobs = replace(world.jobs, lease_s=0.5)
    ref = world.claim("up")
    plan_job(jobs, ref)
    make_session(world.storage, ref, world.executor, world.folder / "s").run()
    others: list[object] = []

    def claim() -> None:
        others.append(world.pfs.claim_job("up", owner="other", lease_s=0.5))

    with world.versions.catalog.write() as tx:
        job_rows.renew_lease(tx, ref.pipeline, ref.id, owner="test", lease_s=0.5)
    ended = finish_job(replace(jobs, sender=Sending(iter([AWAY, AWAY]), claim)), ref)

    assert ended.state == "success"
    assert others == [None, None, None]


def test_whoever_lost_the_job_sends_nothing_more(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", egress={"url": "s3://x"}))
    ref = world.claim("up")
    jobs = replace(world.jobs, lease_s=0.2)
    plan_job(jobs, ref)
    make_session(world.storage, ref, world.executor, world.folder / "s").run()
    sender = Sending(iter([AWAY] * 99))

    def take() -> None:
        with world.versions.catalog.write() as tx:
            job_rows.release_job(tx, ref.pipeline, ref.id, owner="test")
            job_rows.claim_job(tx, owner="other", lease_s=60, pipeline=ref.pipeline)

    sender.on_send = take
    with pytest.raises(ConflictError) as raised:
        finish_job(replace(jobs, sender=sender), ref)

    assert raised.value.code in {ErrorCode.LEASE_LOST, ErrorCode.JOB_NOT_READY}
    assert sender.sent == []


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from tests.pfs_world import InlineLauncher, PfsWorld
from pfs_provider.jobs.owners import new_owner
from pfs_provider.clock import RandomIds
from pfs_provider.jobs.runner import Runner

world = PfsWorld(Path(sys.argv[1]), store=sys.argv[2])
real = world.jobs.sender

class Dying:
    def send(self, egress, storage, tree, check):
        calls = []
        def late():
            calls.append(None)
            if len(calls) == 3:  # the first table is written, nothing is committed
                os.kill(os.getpid(), signal.SIGKILL)
        real.send(egress, storage, tree, late)

launcher = InlineLauncher(storage=world.storage, executor=world.executor, folder=world.folder / "s")
jobs = replace(world.jobs, sender=Dying())
list(Runner(jobs=jobs, launcher=launcher, owner=new_owner(RandomIds())).run_ready())
"""


def test_a_scheduler_killed_in_the_middle_leaves_the_old_rows_and_the_next_one_sends(
    tmp_path: Path,
) -> None:
    store = (tmp_path / "store").as_uri()
    world = PfsWorld(tmp_path / "world", store=store)
    world.pfs.create_repo("in")
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        for table in ("t", "u"):
            database.execute(f"CREATE TABLE {table} (a TEXT)")
            database.execute(f"INSERT INTO {table} VALUES ('old')")  # noqa: S608 fixed names
        database.commit()
        sql = {"url": f"sqlite:///{tmp_path / 'd.db'}", "file_format": {"type": "CSV"}}
        world.commit("in@master", {"/t/1": "x\n", "/u/1": "y\n"})
        world.pfs.create_pipeline(spec("up", glob="/*/*", egress={"sql_database": sql}))

        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(world.folder), store],
            check=False,
            cwd=Path(__file__).parents[3],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        )
        rows = "SELECT a FROM t UNION ALL SELECT a FROM u"
        assert killed.returncode == -signal.SIGKILL
        assert world.pfs.list_jobs("up")[0].state == "egressing"
        assert database.execute(rows).fetchall() == [("old",), ("old",)]

        job = world.run_one()

        assert (job.state, counts(job)) == ("success", "2+0+0+0/2")
        assert database.execute(rows).fetchall() == [("x",), ("y",)]
        assert world.executor.tasks == []  # what was worked is not worked again
    world.close()


def test_a_job_whose_owner_went_silent_in_egress_is_taken_over(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", egress={"url": "s3://x"}))
    ref = world.claim("up")
    plan_job(world.jobs, ref)
    make_session(world.storage, ref, world.executor, world.folder / "s").run()
    with world.versions.catalog.write() as tx:
        job_rows.set_job_state(tx, ref.pipeline, ref.id, "egressing")
        job_rows.renew_lease(tx, ref.pipeline, ref.id, owner="test", lease_s=-1)
    sender = Sending(iter(()))

    assert world.pfs.inspect_job(run(world, sender)).state == "success"
    assert len(sender.sent) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://b/x?aws_secret_access_key=s", "s3://b/x"),
        ("postgresql://u:p@ss/w@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("/folder", "/folder"),
    ],
)
def test_a_target_is_shown_without_its_password(url: str, shown: str) -> None:
    assert shown_target(Egress(url=url)) == shown
