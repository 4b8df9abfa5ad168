"""A catalog with few words: what the catalog's tests say over and over."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pfs_provider.catalog import branches, commits, history, jobs, pipelines, repos
from pfs_provider.catalog.database import Catalog
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Branch, Commit, Counts, Job, Pipeline, PipelineInput
from pfs_provider.refs.addresses import parse_address, parse_branch
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import DEFAULT_PROJECT, BranchKey, PipelineKey, RepoKey
from pfs_provider.testing.invariants import (
    CATALOG_LAWS,
    check_catalog,
    check_events_are_numbered,
    read_state,
)

NOBODY = CommitId("f" * 32)


class HandClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class CountingIds:
    """Ids 1, 2, 3, … in hex."""

    def __init__(self) -> None:
        self.last = 0

    def new_id(self) -> str:
        self.last += 1
        return f"{self.last:032x}"


def at(text: str) -> BranchKey:
    """The branch ``repo`` or ``repo@branch``."""
    return parse_branch(text if "@" in text else f"{text}@master")


def repo(name: str) -> RepoKey:
    return RepoKey(DEFAULT_PROJECT, name)


def pipe(name: str) -> PipelineKey:
    return PipelineKey(DEFAULT_PROJECT, name)


class World:
    """One catalog, one act a call; ``with world.act():`` makes several one transaction."""

    def __init__(self, url: str) -> None:
        self.clock = HandClock()
        self.ids = CountingIds()
        self.catalog = Catalog(url, clock=self.clock, ids=self.ids)
        self._tx: Tx | None = None

    def new_id(self) -> CommitId:
        return CommitId(self.ids.new_id())

    @contextmanager
    def act(self, change: CommitId | None = None) -> Iterator[Tx]:
        if self._tx is not None:
            yield self._tx
            return
        self.clock.sleep(0.001)
        try:
            with self.catalog.write(change=change) as self._tx:
                yield self._tx
        finally:
            self._tx = None

    def check(self) -> None:
        with self.catalog.read() as tx:
            check_catalog(tx)

    def check_with_any_times(self) -> None:
        """Check all laws but that of the events' times: several clocks have written."""
        with self.catalog.read() as tx:
            state = read_state(tx)
        for law in CATALOG_LAWS:
            if law is not check_events_are_numbered:
                law(state)
        assert [event.number for event in state.events] == list(range(1, len(state.events) + 1))

    def repos(self, *names: str) -> None:
        with self.act() as tx:
            for name in names:
                repos.create_repo(tx, repo(name))

    def land(
        self, branch: str, id_: CommitId | None = None, *, size: int = 10, **more: Any
    ) -> Commit:
        key = at(branch)
        with self.act() as tx:
            found = branches.find_branch(tx, key)
            id_ = id_ or self.new_id()
            facts: dict[str, Any] = {
                "tree": f"tree-{id_}",
                "n_files": 1,
                "size": size,
                "expected_head": None if found is None else found.head,
            }
            return commits.land_commit(tx, key, id=id_, **facts | more)

    def start(self, branch: str, id_: CommitId | None = None) -> Commit:
        with self.act() as tx:
            return commits.start_commit(tx, at(branch), id=id_ or self.new_id())

    def finish(self, commit: Commit, error: str | None = None) -> Commit:
        with self.act() as tx:
            head = branches.get_branch(tx, BranchKey(commit.repo, commit.branch)).head
            return commits.finish_commit(
                tx,
                commit.repo,
                commit.id,
                tree=f"tree-{commit.id}",
                n_files=1,
                size=10,
                expected_head=head,
                error=error,
            )

    def branch(self, name: str, **facts: Any) -> Branch:
        with self.act() as tx:
            branches.create_branch(tx, at(name), **facts)
        return self.look(name) if self._tx is None else branches.get_branch(self._tx, at(name))

    def look(self, name: str) -> Branch:
        with self.catalog.read() as tx:
            return branches.get_branch(tx, at(name))

    def head(self, name: str) -> Commit:
        return self.resolve(str(at(name)))

    def resolve(self, address: str, *, readable: bool = False) -> Commit:
        with self.catalog.read() as tx:
            return history.resolve_commit(tx, parse_address(address), readable=readable)

    def log(self, name: str) -> list[CommitId]:
        key = at(name)
        with self.catalog.read() as tx:
            return [c.id for c in history.list_commits(tx, key.repo, branch=key.name)]

    def pipeline(
        self,
        name: str,
        *inputs: str,
        update: bool = False,
        output: str = "master",
        quiet: Sequence[str] = (),
    ) -> Pipeline:
        facts: dict[str, Any] = {
            "spec": "{}",
            "inputs": [
                PipelineInput(
                    name=text.partition("@")[0], branch=at(text), propagate=text not in quiet
                )
                for text in inputs
            ],
            "input_text": " ⨯ ".join(f"{text}:/*" for text in inputs),
            "output_branch": output,
        }
        verb = pipelines.update_pipeline if update else pipelines.create_pipeline
        with self.act() as tx:
            return verb(tx, pipe(name), **facts)

    def jobs(self, name: str | None = None) -> list[Job]:
        with self.catalog.read() as tx:
            return list(jobs.list_jobs(tx, None if name is None else pipe(name)))

    def job(self, name: str, id_: CommitId) -> Job:
        with self.catalog.read() as tx:
            return jobs.get_job(tx, pipe(name), id_)

    def states(self, name: str) -> list[str]:
        """States of a pipeline's jobs, newest first."""
        return [job.state for job in self.jobs(name)]

    def claim(self, owner: str = "me", *, lease_s: float = 60, **which: Any) -> Job | None:
        with self.act() as tx:
            return jobs.claim_job(tx, owner=owner, lease_s=lease_s, **which)

    def end(self, name: str, id_: CommitId, state: Any = "success", **facts: Any) -> Job:
        given: dict[str, Any] = {
            "counts": Counts(),
            "tree": f"tree-{name}-{id_}",
            "n_files": 1,
            "size": 5,
        }
        with self.act() as tx:
            return jobs.finish_job(tx, pipe(name), id_, state=state, **given | facts)

    def work(self, state: Any = "success") -> list[tuple[str, CommitId]]:
        """Run all ready jobs; return them in the order they ran."""
        done = []
        while (job := self.claim()) is not None:
            self.end(job.pipeline.name, job.id, state)
            done.append((job.pipeline.name, job.id))
        return done
