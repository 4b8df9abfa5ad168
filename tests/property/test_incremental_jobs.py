"""An incremental job gives what the same job from nothing gives, whatever happened before it.

Random histories of puts, deletes, renames of files and folders, new code, new inputs, failing and
recovered datums, and jobs that were stopped, over inputs of every kind.
After each run the newest job is compared with the first job of a new pipeline over the same
commits, and at the end of a history with one in a home of its own. What must have been skipped is
told by a model: a datum whose content succeeded under the same code in any earlier job of the
pipeline.
"""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pfs_provider.errors import ConflictError, NotFoundError
from pfs_provider.infos import JobInfo
from pfs_provider.jobs import inputs as job_inputs
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, files, inputs, spec, write

PATHS = st.sampled_from(["/a", "/b", "/c", "/d/x", "/d/y", "/e/x"])
CONTENTS = st.sampled_from(["bad", "one", "two", "bad two", "three"])

IN = {"pfs": {"repo": "in", "glob": "/*"}}
SIDE = {"pfs": {"repo": "side", "glob": "/*"}}
BELOW = {
    "cross": [
        {"pfs": {"repo": "in", "name": "more", "glob": "/*/*"}},
        {"pfs": {"repo": "side", "name": "extra", "glob": "/**"}},
    ]
}


def _keyed(repo: str, **more: object) -> dict[str, Any]:
    """Files and folders by the letter that their names begin with."""
    return {"pfs": {"repo": repo, "glob": "/(?)*", "join_on": "$1", "group_by": "$1", **more}}


def _named(shape: str, repo: str, glob: str, key: str, **more: object) -> dict[str, Any]:
    """An input whose datums are those of its own shape only: no other input has the name."""
    name = f"{shape}-{repo}-{len(glob)}"
    keys = {"glob": glob, "name": name, "join_on": key, "group_by": key}
    return {"pfs": {"repo": repo, **keys, **more}}


LAST, PAIR, FIRST = ("/**(?)", "$1"), ("/(?)(*)", "$1$2"), ("/(?)*", "$1")
"""Keys at the end of a path, that are all of it, and at its beginning."""


SHAPES: dict[str, dict[str, Any]] = {
    "top": IN,
    "deep": {"pfs": {"repo": "in", "glob": "/**"}},
    "whole": {"pfs": {"repo": "in", "glob": "/"}},
    "cross": {"cross": [IN, SIDE]},
    "union": {"union": [IN, SIDE]},
    "renamed": {"pfs": {"repo": "side", "name": "in", "glob": "/*"}},
    "overlapping": {"union": [IN, {"pfs": {"repo": "in", "glob": "/{a,b,d}"}}]},
    "join": {"join": [_keyed("in"), _keyed("side")]},
    "outer": {"join": [_keyed("in", outer_join=True), _keyed("side", outer_join=True)]},
    "group": {"group": [_keyed("in"), _keyed("side")]},
    "ends": {
        "join": [
            _named("ends", "in", *LAST, outer_join=True),
            _named("ends", "side", *FIRST, outer_join=True),
        ]
    },
    "pairs": {
        "group": [
            {"join": [_named("pairs", "in", *PAIR, outer_join=True), _named("pairs", "in", *FIRST)]}
        ]
    },
    "joined": {
        "join": [
            {"group": [_named("joined", "in", *LAST), _named("joined", "in", *PAIR)]},
            _named("joined", "side", *FIRST, outer_join=True),
        ]
    },
    "nested": {"union": [{"group": [{"join": [_keyed("in"), _keyed("side")]}]}, BELOW]},
}
KEYED = {"join", "outer", "group", "nested"}
"""Shapes whose pieces have equal keys, which their datums' results depend on."""
ALONE = {"ends", "pairs", "joined"}
"""Shapes whose datums are no other shape's."""
CODES = ["named", "loud", "picky", "shared"]
PICKY = ["picky", "picky", *CODES]
"""Half of the time code that fails at some contents: what fails is what histories go wrong by."""
NEW_NAMES = st.sampled_from(["/a", "/b", "/c", "/d", "/d/x", "/e", "/e/x"])
SEEN: Counter[str] = Counter()
"""What the histories of this run held: a law about renames says little where none happened."""


def _read(task: Task) -> list[tuple[str, bytes]]:
    return [
        (str(file.relative_to(task.root)), file.read_bytes())
        for folder in inputs(task)
        for file in files(folder)
    ]


def _name(task: Task) -> str:
    """A name that no other datum has."""
    return "-".join(path.replace("/", "_") for path, _ in _read(task)) or "none"


def named(task: Task) -> int:
    write(task, f"by/{_name(task)}", b"".join(data for _, data in _read(task)))
    return 0


def loud(task: Task) -> int:
    write(task, f"by/{_name(task)}", b"".join(data for _, data in _read(task)).upper())
    write(task, f"more/{_name(task)}.txt", b"more")
    return 0


def picky(task: Task) -> int:
    return 1 if any(b"bad" in data for _, data in _read(task)) else named(task)


def shared(task: Task) -> int:
    """Write paths that other datums may write too."""
    for _, data in _read(task):
        write(task, data.decode().split()[0], data + b"\n")
    return 0


@pytest.fixture(autouse=True)
def _seek_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find keys as in large trees, where to read all takes longer."""
    monkeypatch.setattr(job_inputs, "SEEK_FILES", 0)


class IncrementalJobs(RuleBasedStateMachine):
    """One pipeline, ``out``, through all that can happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = self._open("home")
        self.succeeded: set[tuple[Any, ...]] = set()
        self.facts: dict[str, Any] = {}
        self.facts_of: dict[int, dict[str, Any]] = {}
        self.reprocessed = 0
        self.lazy = False

    def _open(self, name: str) -> PfsWorld:
        world = PfsWorld(Path(self.folder.name) / name)
        world.executor.code |= {"named": named, "loud": loud, "picky": picky, "shared": shared}
        for repo in ("in", "side"):
            world.pfs.create_repo(repo)
        return world

    @initialize(
        shape=st.sampled_from(list(SHAPES)),
        code=st.sampled_from(PICKY),
        recover=st.booleans(),
        content=CONTENTS,
    )
    def begin(self, shape: str, code: str, recover: bool, content: str) -> None:
        self.world.commit("in@master", {"/a": "one", "/b": content, "/d/x": "two"})
        self.world.commit("side@master", {"/s": "one", "/c": "one"})
        self.facts = {"shape": shape, "code": code, "recover": recover, "policy": "fail"}
        self._save(self.world.pfs.create_pipeline(self._spec("out"))[0].version)

    def _spec(self, name: str) -> dict[str, Any]:
        transform = {"err_cmd": ["rest"]} if self.facts["recover"] else {}
        return spec(
            name,
            self.facts["code"],
            input=SHAPES[self.facts["shape"]],
            transform=transform,
            output_conflict=self.facts["policy"],
            datum_tries=1,
        )

    def _save(self, version: int) -> None:
        self.facts_of[version] = {**self.facts, "salt": self.reprocessed}

    @rule(repo=st.sampled_from(["in", "in", "side"]), path=PATHS, content=CONTENTS)
    def put(self, repo: str, path: str, content: str) -> None:
        self._try(f"{repo}@master", {path: content})

    @rule(lazy=st.sampled_from([False, False, True]))
    def wait(self, lazy: bool) -> None:
        """The next acts gather, until this is called again."""
        self.lazy = lazy

    @rule(path=PATHS)
    def delete(self, path: str) -> None:
        self._try("in@master", {path: None})

    @rule(repo=st.sampled_from(["in", "in", "side"]), old=st.integers(0, 9), new=NEW_NAMES)
    def rename(self, repo: str, old: int, new: str) -> None:
        """Rename a file or a folder that is there."""
        there = self._below(f"{repo}@master:/", with_folders=True)
        if not there:
            return
        try:
            with self.world.pfs.commit(f"{repo}@master") as c:
                path = there[old % len(there)].partition(":")[2].rstrip("/")
                c.copy_file(new, f"{repo}@master:{path}")
                c.delete_file(path)
        except ConflictError:
            return
        SEEN["rename"] += 1

    @rule(path=PATHS, content=CONTENTS)
    def stop_job(self, path: str, content: str) -> None:
        """A job that was stopped before its time: the next one does not build on it."""
        self._try("in@master", {path: content})
        if self._newest().finished is None:
            self.world.pfs.stop_job(f"out@{self._newest().id}")
            SEEN["stopped job"] += 1

    @rule(
        shape=st.none() | st.sampled_from(list(SHAPES)),
        code=st.sampled_from([None, *PICKY]),
        recover=st.booleans(),
        policy=st.sampled_from(["fail", "fail", "overwrite", "concat"]),
        reprocess=st.sampled_from([False, False, True]),
    )
    def update(
        self, shape: str | None, code: str | None, recover: bool, policy: str, reprocess: bool
    ) -> None:
        given = {"shape": shape, "code": code, "recover": recover, "policy": policy}
        SEEN["code change"] += code not in {None, self.facts["code"]}
        self.facts |= {name: value for name, value in given.items() if value is not None}
        self.reprocessed += reprocess
        self._save(
            self.world.pfs.update_pipeline(self._spec("out"), reprocess=reprocess)[0].version
        )

    @precondition(lambda self: self._newest().finished is None)
    @invariant()
    def run(self) -> None:
        """Most often after each act; now and then several commits wait for one run."""
        if self.lazy:
            return
        self._work()
        self._check_against_nothing()
        self._check_provenance()

    def teardown(self) -> None:
        if self.facts:
            self._work()
            if self._newest().state != "killed":
                self._check_in_a_new_home()
        self.world.close()
        self.folder.cleanup()

    def _work(self) -> None:
        for job in self.world.run():
            self._check_counts(job)
            self._check_skipped(job)

    def _newest(self) -> JobInfo:
        return self.world.pfs.list_jobs("out", limit=1)[0]

    def _try(self, branch: str, contents: dict[str, str | None]) -> None:
        before = self.world.pfs.inspect_branch(branch).head
        try:
            self.world.commit(branch, contents)
        except (NotFoundError, ConflictError):
            assert self.world.pfs.inspect_branch(branch).head == before

    def _check_counts(self, job: JobInfo) -> None:
        states = [datum.state for datum in self.world.pfs.list_datums(f"out@{job.id}")]

        assert job.processed == states.count("success")
        assert job.skipped == states.count("skipped")
        assert job.recovered == states.count("recovered")
        assert job.failed == states.count("failed")
        assert job.total == len(states)
        SEEN.update(f"{state} datum" for state in states)
        SEEN[f"{job.state} job"] += 1
        if job.failed:
            assert job.state == "failure"

    def _check_skipped(self, job: JobInfo) -> None:
        succeeded: set[tuple[Any, ...]] = set()
        facts = self.facts_of[job.version]
        name = "in" if facts["shape"] == "renamed" else None
        keyed = facts["shape"] if facts["shape"] in ALONE else facts["shape"] in KEYED
        code = (facts["code"], facts["recover"], facts["salt"], keyed)
        for datum in self.world.pfs.list_datums(f"out@{job.id}"):
            key = (code, *sorted(self._content(file, name) for file in datum.files))
            assert (datum.state == "skipped") == (key in self.succeeded), (key, datum)
            if datum.state == "success":
                succeeded.add(key)
        self.succeeded |= succeeded

    def _content(self, file: str, name: str | None) -> tuple[str, str, str]:
        """What a datum's key holds of a piece: the input's name, the path, the content."""
        info = self.world.pfs.inspect_file(file)
        return (name or file.partition("@")[0], info.path, info.digest)

    def _check_against_nothing(self) -> None:
        incremental = self._newest()
        self.world.pfs.create_pipeline(self._spec("fresh"))
        for fresh in self.world.run():
            self._check_same(incremental, fresh, self.world, "fresh")
        self.world.pfs.delete_pipeline("fresh")

    def _check_in_a_new_home(self) -> None:
        other = self._open("fresh")
        for repo in ("in", "side"):
            other.commit(f"{repo}@master", dict(self.world.read(f"{repo}@master")))
        other.pfs.create_pipeline(self._spec("out"))
        self._check_same(self._newest(), other.run_one(), other, "out")
        other.close()

    def _check_same(self, one: JobInfo, fresh: JobInfo, world: PfsWorld, name: str) -> None:
        mine, other = self.world.tree(f"out@{one.id}"), world.tree(f"{name}@{fresh.id}")

        assert (one.state, one.total) == (fresh.state, fresh.total), (one.reason, fresh.reason)
        assert one.processed + one.skipped == fresh.processed
        assert (one.recovered, one.failed) == (fresh.recovered, fresh.failed)
        assert mine.logical == other.logical
        assert self._ends(self.world, f"out@{one.id}") == self._ends(world, f"{name}@{fresh.id}")

    def _ends(self, world: PfsWorld, job: str) -> dict[str, str]:
        return {
            datum.id: datum.state.replace("skipped", "success")
            for datum in world.pfs.list_datums(job)
        }

    def _check_provenance(self) -> None:
        job = self._newest()
        if job.state != "success":
            return
        datums = {datum.id: datum.files for datum in self.world.pfs.list_datums(f"out@{job.id}")}
        for info in self.world.pfs.glob_files(f"out@{job.id}", "/**"):
            found = {link.file for link in self._links(f"out@{job.id}:{info.path}")}
            assert found, info
            if info.datum is not None:
                assert found == {f for file in datums[info.datum] for f in self._below(file)}

    def _links(self, address: str) -> list[Any]:
        return list(self.world.pfs.provenance(address))

    def _below(self, file: str, *, with_folders: bool = False) -> list[str]:
        if not file.endswith("/"):
            return [file]
        commit, _, path = file.partition(":")
        found = list(self.world.pfs.glob_files(commit, "/**"))
        if with_folders:
            found += self.world.pfs.glob_files(commit, "/*")
        return [f"{commit}:{info.path}" for info in found if info.path.startswith(path)]


# Each run is several jobs, so a history costs a few seconds; the profile still scales them.
IncrementalJobs.TestCase.settings = settings(
    max_examples=max(12, settings().max_examples // 4), stateful_step_count=14
)
TestIncrementalJobs = pytest.mark.timeout(1200)(IncrementalJobs.TestCase)


def test_the_histories_held_all_that_they_are_about() -> None:
    if not SEEN:
        pytest.skip("TestIncrementalJobs was not run before: run this file whole")
    wanted = ["rename", "code change", "stopped job", "success job", "failure job"]
    wanted += [f"{state} datum" for state in ("success", "skipped", "recovered", "failed")]

    assert [name for name in wanted if not SEEN[name]] == [], SEEN
