"""Whatever is done to a catalog, in whatever order, its laws hold."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pfs_provider.catalog import (
    branches,
    commits,
    history,
    jobs,
    pipelines,
    removal,
    replay,
    repos,
    triggers,
)
from pfs_provider.catalog.values import Commit, Trigger
from pfs_provider.errors import ConflictError, NotFoundError, PfsError, RefusedError
from tests.catalog_world import World, at, pipe, repo

SOURCES = ("A", "B", "C")
PIPELINES = ("P", "Q", "R")
BRANCHES = ("A", "B", "C", "A@staging", "D@derived", "P", "Q", "R")

some_source = st.sampled_from(SOURCES)
some_pipeline = st.sampled_from(PIPELINES)
some_branch = st.sampled_from(BRANCHES)
some_inputs = st.lists(some_branch, min_size=1, max_size=3, unique=True)


@cache
def _empty_catalog() -> bytes:
    """Migrate once, copy for each example."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(f"sqlite:///{folder}/catalog.db")
        world.catalog.open()
        world.catalog.close()
        return Path(folder, "catalog.db").read_bytes()


class CatalogMachine(RuleBasedStateMachine):
    """Users, schedulers and workers on one catalog."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "catalog.db").write_bytes(_empty_catalog())
        self.world = World(f"sqlite:///{self.folder / 'catalog.db'}")
        self.world.repos(*SOURCES, "D")

    def teardown(self) -> None:
        self.world.catalog.close()
        shutil.rmtree(self.folder)

    def _try(
        self,
        act: Any,
        expected: tuple[type[PfsError], ...] = (RefusedError, ConflictError, NotFoundError),
    ) -> bool:
        """Do it; return False where it was refused, which must leave no trace (the laws say so)."""
        try:
            act()
        except expected:
            return False
        return True

    def _some_commit(self, data: st.DataObject, name: str) -> Commit | None:
        with self.world.catalog.read() as tx:
            if repos.find_repo(tx, at(name).repo) is None:
                return None
            found = history.list_commits(tx, at(name).repo)
        return data.draw(st.sampled_from(found)) if found else None

    @rule(source=some_source, staging=st.booleans())
    def land(self, source: str, *, staging: bool) -> None:
        self._try(lambda: self.world.land(f"{source}@staging" if staging else source))

    @rule(first=some_source, second=some_source)
    def land_two_in_one_transaction(self, first: str, second: str) -> None:
        change = self.world.new_id()

        def act() -> None:
            with self.world.act(change=change):
                self.world.land(first, change)
                self.world.land(second, change)

        assert not (self._try(act) and first == second)

    @rule(source=some_source)
    def start(self, source: str) -> None:
        self._try(lambda: self.world.start(source))

    @rule(source=some_source, how=st.sampled_from(["finish", "fail", "drop", "attach"]))
    def use_the_open_commit(self, source: str, how: str) -> None:
        with self.world.act() as tx:
            branch = branches.find_branch(tx, at(source))
            if branch is None or branch.open_commit is None:
                return
            opened = commits.get_commit(tx, repo(source), branch.open_commit)
            if how == "drop":
                commits.drop_open_commit(tx, repo(source), opened.id)
            elif how == "attach":
                commits.attach_delta(tx, repo(source), opened.id, "delta")
            else:
                self.world.finish(opened, error="bad" if how == "fail" else None)

    @rule(name=some_branch, inputs=some_inputs | st.none(), data=st.data(), move=st.booleans())
    def declare_a_branch(
        self, name: str, inputs: list[str] | None, data: st.DataObject, *, move: bool
    ) -> None:
        head = self._some_commit(data, name) if move else None
        self._try(
            lambda: self.world.branch(
                name,
                head=None if head is None else head.id,
                provenance=None if inputs is None else [at(text) for text in inputs],
            )
        )

    @rule(count=st.integers(0, 3))
    def follow_staging(self, count: int) -> None:
        self._try(
            lambda: self.world.branch("A", trigger=Trigger(branch="staging", commits=count or None))
        )

    @rule(hours=st.integers(1, 30))
    def pass_time(self, hours: int) -> None:
        self.world.clock.sleep(3600 * hours)
        with self.world.act() as tx:
            triggers.fire_cron(tx, self.world.clock.now())

    @rule(name=some_pipeline, inputs=some_inputs, update=st.booleans(), quiet=st.booleans())
    def make_a_pipeline(self, name: str, inputs: list[str], *, update: bool, quiet: bool) -> None:
        hushed = inputs[:1] if quiet else []
        self._try(lambda: self.world.pipeline(name, *inputs, update=update, quiet=hushed))

    @rule(name=some_pipeline, how=st.sampled_from(["stop", "start", "rerun", "delete"]))
    def change_a_pipeline(self, name: str, how: str) -> None:
        verb: Any = getattr(pipelines, f"{how}_pipeline")

        def act() -> None:
            with self.world.act() as tx:
                verb(tx, pipe(name))

        self._try(act)

    @rule(name=some_pipeline, source=some_branch, data=st.data())
    def run_a_pipeline_on_some_commit(self, name: str, source: str, data: st.DataObject) -> None:
        commit = self._some_commit(data, source)
        if commit is None:
            return

        def act() -> None:
            with self.world.act() as tx:
                replay.run_on_commits(tx, pipe(name), [commit])

        self._try(act)

    @rule(name=some_pipeline, inputs=some_inputs, update=st.booleans())
    def replay_all_commits(self, name: str, inputs: list[str], *, update: bool) -> None:
        def act() -> None:
            with self.world.act() as tx:
                made = self.world.pipeline(name, *inputs, update=update)
                tx.stale = [one for one in tx.stale if one.branch != made.output.full]
                replay.replay_commits(tx, pipe(name))

        self._try(act)

    @rule(state=st.sampled_from(["success", "failure", "killed"]))
    def run_a_job(self, state: str) -> None:
        job = self.world.claim()
        if job is not None:
            self.world.end(job.pipeline.name, job.id, state)

    @rule(owner=st.sampled_from(["x", "y"]), seconds=st.integers(0, 90))
    def claim_a_job(self, owner: str, seconds: int) -> None:
        self.world.clock.sleep(seconds)
        first, again = self.world.claim(owner), self.world.claim(owner)
        assert (first and (first.pipeline, first.id)) == (again and (again.pipeline, again.id))

    @precondition(lambda self: self.world.jobs())
    @rule(data=st.data(), how=st.sampled_from(["stop", "release", "advance"]))
    def change_a_job(self, data: st.DataObject, how: str) -> None:
        job = data.draw(st.sampled_from(self.world.jobs()))

        def act() -> None:
            with self.world.act() as tx:
                if how == "stop":
                    jobs.stop_job(tx, job.pipeline, job.id)
                elif how == "release":
                    jobs.release_job(tx, job.pipeline, job.id, owner="x")
                else:
                    jobs.set_job_state(tx, job.pipeline, job.id, "finishing", expected=("running",))

        self._try(act)

    @rule(data=st.data(), name=some_branch, squash=st.booleans())
    def take_a_change_back(self, data: st.DataObject, name: str, *, squash: bool) -> None:
        commit = self._some_commit(data, name)
        if commit is None:
            return

        def act() -> None:
            with self.world.act() as tx:
                (removal.squash_change if squash else removal.delete_change)(tx, commit.id)

        self._try(act, (ConflictError,))

    @rule(name=some_pipeline, keep=st.booleans())
    def delete_a_pipeline_by_force(self, name: str, *, keep: bool) -> None:
        def act() -> None:
            with self.world.act() as tx:
                pipelines.delete_pipeline(tx, pipe(name), keep_repo=keep, force=True)

        self._try(act)

    @rule(name=some_branch, force=st.booleans())
    def delete_a_branch(self, name: str, *, force: bool) -> None:
        def act() -> None:
            with self.world.act() as tx:
                branches.delete_branch(tx, at(name), force=force)

        self._try(act)

    @rule(source=some_source, force=st.booleans())
    def begin_a_repo_anew(self, source: str, *, force: bool) -> None:
        def act() -> None:
            with self.world.act() as tx:
                repos.delete_repo(tx, repo(source), force=force)
                repos.create_repo(tx, repo(source))

        self._try(act)

    @invariant()
    def laws_hold(self) -> None:
        self.world.check()


@pytest.mark.timeout(600)
def test_laws_hold_whatever_is_done() -> None:
    profile = settings()
    steps = settings(max_examples=max(profile.max_examples // 2, 1), stateful_step_count=30)

    run_state_machine_as_test(CatalogMachine, settings=steps)
