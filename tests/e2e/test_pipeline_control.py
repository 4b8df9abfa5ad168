"""What a spec and its owner say about jobs, by the real program and real workers.

What one datum comes to: tests/contract/test_user_code.py; versions, chosen commits, replay and
templates: tests/unit/cli/test_pipelines.py, which runs the program, too.
"""

import json
from typing import Any

import pytest

from pfs_provider import Pfs
from tests.e2e.shell import Shell, here
from tests.unit.cli.runner import Cli

pytestmark = pytest.mark.timeout(600)


def _sh(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {
        "pipeline": {"name": name},
        "transform": {"cmd": ["sh"], "stdin": [script], **more.pop("transform", {})},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        **more,
    }


ALL = "cat /pfs/in/*/x > /pfs/out/all"
SPECS = [
    _sh("fails", ALL),
    _sh("overwrites", ALL, output_conflict="overwrite"),
    _sh("joins", ALL, output_conflict="concat"),
    _sh("below", "cp /pfs/joins/all /pfs/out/", input={"pfs": {"repo": "joins", "glob": "/"}}),
    _sh("unrunnable", "true", input={"pfs": {"repo": "fails", "glob": "/"}}),
    _sh("timed", "sleep 600", job_timeout="2s"),
    _sh("anew", "true", reprocess_spec="every_job"),
    _sh("once", "true"),
    _sh("sets", "true", datum_set_spec={"size_bytes": 1}, parallelism_spec={"constant": 1}),
    _sh("set", "true", datum_set_spec={"number": 2}),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home in which all pipelines have run on /d and /e."""
    shell = Shell(folder=tmp_path_factory.mktemp("control"))
    shell.write("specs.json", json.dumps(SPECS))
    shell.write("data/d/x", "1")
    shell.write("data/e/x", "2")
    with pytest.MonkeyPatch.context() as patch:
        pfs = here(shell, patch)
        pfs.ok("create", "repo", "in")
        pfs.ok("create", "pipeline", "-f", "specs.json")
        pfs.ok("put", "file", "-r", "in@master:/", "-f", "data")
        assert pfs("run").code == 1
    return shell


@pytest.fixture
def pfs(place: Shell, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return here(place, monkeypatch)


def _job(pfs: Cli, name: str) -> dict[str, Any]:
    newest: dict[str, Any] = pfs.ok("list", "job", "-p", name, "-o", "json").json[0]
    return newest


def _counts(job: dict[str, Any]) -> str:
    return "{processed}+{skipped}+{recovered}+{failed}/{total}".format_map(job)


@pytest.mark.parametrize(
    ("name", "states", "counts"),
    [
        ("overwrites", "starting running finishing success", "2+0+0+0/2"),
        ("below", "created starting running finishing success", "1+0+0+0/1"),
        ("fails", "starting running finishing failure", "2+0+0+0/2"),
        ("unrunnable", "created unrunnable", "0+0+0+0/0"),
        ("timed", "starting running killed", "0+0+0+2/2"),
    ],
)
def test_a_job_goes_through_its_states_and_its_counts_add_up(
    place: Shell, pfs: Cli, name: str, states: str, counts: str
) -> None:
    job = _job(pfs, name)

    with Pfs(home=place.folder / "home") as python:
        told = [
            event.state
            for event in python.list_events()
            if event.pipeline == name and event.commit == job["id"] and event.kind.startswith("job")
        ]

    assert (" ".join(map(str, told)), _counts(job)) == (states, counts)
    assert job["state"] == states.rpartition(" ")[2]


def test_two_datums_on_one_path_are_named_or_overwritten_or_joined_in_datum_order(
    pfs: Cli,
) -> None:
    failed = _job(pfs, "fails")
    datums = pfs.ok("list", "datum", f"fails@{failed['id']}", "-o", "json").json

    assert "/all" in failed["reason"]
    assert all(datum["id"] in failed["reason"] for datum in datums)
    assert pfs("get", "file", "fails@master:/all").code == 3
    assert pfs.ok("get", "file", "overwrites@master:/all").out == "2"
    assert pfs.ok("get", "file", "joins@master:/all").out == "12"
    assert pfs.ok("get", "file", "below@master:/all").out == "12"


def test_reasons_name_what_a_job_met(pfs: Cli) -> None:
    assert _job(pfs, "timed")["reason"] == "the job ran longer than job_timeout (2.0 s)"
    assert "fails@" in _job(pfs, "unrunnable")["reason"]
    assert pfs.ok("inspect", "commit", "timed@master", "-o", "json").json[0]["state"] == "error"


@pytest.mark.parametrize(("name", "sets"), [("sets", 2), ("set", 1)])
def test_the_spec_says_what_is_handed_out_together(
    place: Shell, pfs: Cli, name: str, sets: int
) -> None:
    with Pfs(home=place.folder / "home") as python:
        progress = python.job_progress(f"{name}@{_job(pfs, name)['id']}")

    assert (progress.sets, progress.total) == (sets, 2)


def test_the_next_job_works_what_changed_or_all_where_the_spec_says_so(
    place: Shell, pfs: Cli
) -> None:
    """Last, as what follows: they change the home."""
    place.write("data/e/x", "3")
    pfs.ok("put", "file", "in@master:/e/x", "-f", "data/e/x")
    pfs.ok("stop", "pipeline", "timed")

    pfs("run")

    assert _counts(_job(pfs, "once")) == "1+1+0+0/2"
    assert _counts(_job(pfs, "anew")) == "2+0+0+0/2"
    assert pfs.ok("get", "file", "joins@master:/all").out == "13"


def test_a_pipeline_is_rerun_updated_stopped_started_and_deleted(place: Shell, pfs: Cli) -> None:
    once = SPECS[[spec["pipeline"]["name"] for spec in SPECS].index("once")]
    place.write("once.json", json.dumps(once))

    def run() -> tuple[str, str]:
        [job] = pfs("run", "once", "-o", "json").json
        return job["state"], _counts(job)

    pfs.ok("rerun", "pipeline", "once")
    assert run() == ("success", "0+2+0+0/2")
    pfs.ok("rerun", "pipeline", "once", "--reprocess")
    assert run() == ("success", "2+0+0+0/2")
    pfs.ok("update", "pipeline", "-f", "once.json")
    assert run() == ("success", "0+2+0+0/2")
    pfs.ok("update", "pipeline", "-f", "once.json", "--reprocess")
    assert run() == ("success", "2+0+0+0/2")

    pfs.ok("rerun", "pipeline", "once")
    pfs.ok("stop", "pipeline", "once")
    assert (_job(pfs, "once")["state"], pfs.ok("run", "once").out) == ("killed", "")
    place.write("data/e/x", "4")
    pfs.ok("put", "file", "in@master:/e/x", "-f", "data/e/x")
    assert pfs.ok("run", "once").out == ""
    pfs.ok("start", "pipeline", "once")
    assert run() == ("success", "1+1+0+0/2")

    assert pfs("delete", "pipeline", "fails").code == 4
    pfs.ok("delete", "pipeline", "once", "--keep-repo")
    assert pfs("inspect", "pipeline", "once").code == 3
    assert pfs.ok("inspect", "repo", "once", "-o", "json").json[0]["name"] == "once"
