"""What a change of an input causes: which datums run again, which inputs start jobs at all.

Source: semantics 4.1 (skipping, reference), 2.4 (propagation_spec), 6.4 (buckets), 13.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.infos import JobInfo
from pfs_provider.spec.model import PipelineSpec
from tests.pfs_world import InlineLauncher, PfsWorld, counts, spec


class AnyLauncher(InlineLauncher):
    """Promises everything: what user code would see in a bucket is no matter of these tests."""

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        return ()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PfsWorld]:
    """Repos ``in`` with /a and /b, ``side`` with /s."""
    made = PfsWorld(tmp_path / "world")
    for repo, names in (("in", "ab"), ("side", "s")):
        made.pfs.create_repo(repo)
        made.put(f"{repo}@master", **dict.fromkeys(names, "1"))
    yield made
    made.close()


def _run(world: PfsWorld) -> JobInfo:
    runner = world.runner()
    runner.launcher = AnyLauncher(
        storage=world.storage, executor=world.executor, folder=world.folder / "scratch"
    )
    (job,) = [each.info() for each in runner.run_ready()]
    assert job.state == "success"
    return job


def _side(glob: str = "/", **more: Any) -> dict[str, Any]:
    both = [{"pfs": {"repo": "in", "glob": "/*"}}, {"pfs": {"repo": "side", "glob": glob, **more}}]
    return {"cross": both}


# What the side input is, what happens to it, and the counts of the job that it causes.
SIDE = [
    ("files", {}, {"s": "2"}, "2+0+0+0/2"),
    ("files by name", {"glob": "/*"}, {"s": "2"}, "2+0+0+0/2"),
    ("another file", {"glob": "/*"}, {"t": "1"}, "2+2+0+0/4"),
    ("a file less", {"glob": "/*"}, {"s": None, "t": "1"}, "2+0+0+0/2"),
    ("no file", {"glob": "/*"}, {"s": None}, "0+0+0+0/0"),
    ("the same again", {}, {"s": "1"}, "0+2+0+0/2"),
    ("a reference", {"reference": True}, {"s": "2"}, "0+2+0+0/2"),
    ("a reference by name", {"glob": "/*", "reference": True}, {"s": "2"}, "0+2+0+0/2"),
    ("another reference", {"glob": "/*", "reference": True}, {"t": "1"}, "2+2+0+0/4"),
    ("empty files", {"empty_files": True}, {"s": "2"}, "2+0+0+0/2"),
    ("lazy", {"lazy": True}, {"s": "2"}, "2+0+0+0/2"),
    ("a bucket", {"s3": True}, {"s": "2"}, "2+0+0+0/2"),
    ("a bucket unchanged", {"s3": True}, {"s": "1"}, "0+2+0+0/2"),
]


@pytest.mark.parametrize(
    ("side", "change", "wanted"), [row[1:] for row in SIDE], ids=[row[0] for row in SIDE]
)
def test_a_change_of_a_side_input_runs_these_again(
    world: PfsWorld, side: dict[str, Any], change: dict[str, str | None], wanted: str
) -> None:
    world.pfs.create_pipeline(spec("up", "rest", input=_side(**side)))
    assert counts(_run(world)) == "2+0+0+0/2"

    world.put("side@master", **change)

    assert counts(_run(world)) == wanted


@pytest.mark.parametrize("side", [{}, {"s3": True}], ids=["files", "bucket"])
def test_beside_an_unchanged_input_only_what_changed_runs(
    world: PfsWorld, side: dict[str, Any]
) -> None:
    world.pfs.create_pipeline(spec("up", "rest", input=_side(**side)))
    _run(world)

    world.put(b="2", c="1")

    assert counts(_run(world)) == "2+1+0+0/3"


# With s3_out nobody knows which datum wrote what: all or nothing.
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"a": "2"}, "2+0+0+0/2"),
        ({"c": "1"}, "3+0+0+0/3"),
        ({"b": None}, "1+0+0+0/1"),
        ({"a": "1"}, "0+2+0+0/2"),
    ],
    ids=["changed", "added", "removed", "unchanged"],
)
def test_with_an_output_bucket_all_run_again_unless_nothing_changed(
    world: PfsWorld, change: dict[str, str | None], wanted: str
) -> None:
    world.pfs.create_pipeline(spec("up", "rest", s3_out=True))
    assert counts(_run(world)) == "2+0+0+0/2"

    world.put(**change)

    assert counts(_run(world)) == wanted


def test_what_was_there_before_is_known_with_an_output_bucket_too(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up", "rest", s3_out=True))
    _run(world)
    world.put(a="2")
    _run(world)

    world.put(a="1")

    assert counts(_run(world)) == "0+2+0+0/2"


@pytest.mark.parametrize("never", ["never", {"never": True}])
def test_an_input_that_never_propagates_waits_for_another_cause(
    world: PfsWorld, never: object
) -> None:
    world.pfs.create_pipeline(spec("up", "rest", input=_side(propagation_spec=never)))
    _run(world)

    world.put("side@master", s="2")
    assert world.run() == []
    world.put(c="1")

    assert counts(_run(world)) == "3+0+0+0/3"  # all, because the side has changed


def test_every_job_may_run_every_datum(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up", "rest", reprocess_spec="every_job"))
    _run(world)

    world.put(c="1")

    assert counts(_run(world)) == "3+0+0+0/3"


@pytest.mark.parametrize(
    ("trigger", "commits_until_job"),
    [
        ({"commits": 1}, 1),
        ({"commits": 3}, 3),
        ({"size": "2"}, 1),
        ({"size": "5"}, 3),
        ({"size": "5", "commits": 2}, 2),
        ({"size": "5", "commits": 2, "all": True}, 3),
        ({"branch": "elsewhere", "commits": 1}, None),
    ],
    ids=str,
)
def test_a_trigger_says_which_commit_starts_a_job(
    world: PfsWorld, trigger: dict[str, Any], commits_until_job: int | None
) -> None:
    world.pfs.create_repo("new")
    source = {"pfs": {"repo": "new", "glob": "/*", "trigger": trigger}}
    world.pfs.create_pipeline(spec("up", "rest", input=source))

    jobs_after: list[int] = []
    for name in "abc":
        world.put("new@master", **{name: "12"})  # two bytes each
        jobs_after.append(len(world.pfs.list_jobs("up")))

    first = next((n for n, jobs in enumerate(jobs_after, start=1) if jobs), None)
    assert first == commits_until_job
