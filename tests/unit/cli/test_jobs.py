from typing import get_args

from pfs_provider.catalog.values import JobState
from pfs_provider.cli.jobs import State
from tests.unit.cli.runner import Cli


def test_jobs_are_listed_by_change_or_one_by_one(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)
    job = images.ok("list", "job", "-o", "json").json[0]

    sets = images.ok("list", "job").out.splitlines()
    ones = images.ok("list", "job", "-x").out.splitlines()

    assert sets[0].split() == ["ID", "SUBJOBS", "PROGRESS", "CREATED", "MODIFIED"]
    assert sets[1].startswith(job["id"])
    assert ones[0].split()[:3] == ["PROJECT", "PIPELINE", "ID"]
    assert images.ok("list", "job", "-p", "edges", "-o", "json").json == [job]
    assert images.ok("list", "job", job["id"], "-o", "json").json == [job]
    assert images.ok("list", "job", "f" * 32, "-o", "json").json == []


def test_every_state_can_be_asked_for() -> None:
    assert tuple(State) == get_args(JobState)


def test_jobs_are_listed_by_their_states(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)
    stopped = images.ok("list", "job", "-o", "json").json[0]["id"]
    images.ok("stop", "job", f"edges@{stopped}")
    images.ok("rerun", "pipeline", "edges")

    def listed(*states: str) -> list[str]:
        options = [word for state in states for word in ("--state", state)]
        return [job["state"] for job in images.ok("list", "job", *options, "-o", "json").json]

    assert listed("killed") == ["killed"]
    assert listed("killed", "starting") == ["starting", "killed"]
    assert listed("success") == []
    assert images("list", "job", "--state", "broken").code == 2


def test_a_stopped_job_is_killed(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)
    job = images.ok("list", "job", "-o", "json").json[0]

    stopped = images.ok("stop", "job", f"edges@{job['id']}", "-o", "json").json[0]

    assert stopped["state"] == "killed"
    assert "State: killed" in images.ok("inspect", "job", f"edges@{job['id']}").out


def test_a_job_is_named_by_pipeline_and_id(images: Cli) -> None:
    assert images("inspect", "job", "edges").code == 5
    assert images("inspect", "job", f"edges@{'1' * 32}").code == 3


def test_a_job_is_waited_for_until_it_has_ended(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)
    job = f"edges@{images.ok('list', 'job', '-o', 'json').json[0]['id']}"

    early = images("wait", "job", job, "--timeout", "0")
    images.ok("stop", "job", job)
    late = images("wait", "job", job)

    assert (early.code, late.code) == (1, 1)
    assert "after 0.0 s: is something running it?" in early.err
    assert f"{job} ended as killed: stopped by a user" in late.err
