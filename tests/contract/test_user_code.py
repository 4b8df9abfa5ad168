"""What pipelines do with real programs: worker processes, namespaces where they are to be had.

All pipelines run once, in one home; each test looks at what one of them gave.
Source: semantics 4.2 to 4.5.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import Pfs
from pfs_provider.infos import JobInfo

ID = re.compile(r"[0-9a-f]{32}")
IN = {"pfs": {"repo": "in", "glob": "/*"}}


def _sh(script: str, **more: Any) -> dict[str, Any]:
    """A pipeline of a shell script over each file of ``in``."""
    transform = {"cmd": ["sh"], "stdin": script.splitlines(), **more.pop("transform", {})}
    return {"input": IN, **more, "transform": transform}


PIPELINES: dict[str, dict[str, Any]] = {
    "stdin": _sh("cd /pfs/in\nfor f in *\ndo tr a-z A-Z < $f > /pfs/out/$f\ndone"),
    "cmd": {"input": IN, "transform": {"cmd": ["cp", "-r", "/pfs/in/.", "/pfs/out"]}},
    "env": _sh("env > /pfs/out/$(basename $in)", transform={"env": {"MINE": "two words"}}),
    "codes": _sh("echo x > /pfs/out/$(basename $in); exit 7",
                 transform={"accept_return_code": [7]}),
    "recovers": _sh("grep -q b $in && exit 1; cp $in /pfs/out",
                    transform={"err_cmd": ["sh"], "err_stdin": ["grep -q b $in"]}),
    "fails": _sh("echo seen on stderr >&2; echo seen; grep -q b $in && exit 3; cp $in /pfs/out"),
    "below": _sh("true", input={"pfs": {"repo": "fails", "glob": "/"}}),
    "slow": _sh("sleep 60 & sleep 60", datum_timeout="0.3s", datum_tries=1),
    "absent": {"input": IN, "transform": {"cmd": ["no-such-command"]}},
    "gone": _sh("kill -9 $$", datum_tries=1),
    "nothing": _sh("true", input={"pfs": {"repo": "in", "glob": "/none*"}}),
    "silent": _sh("true"),
    "links": _sh("mkdir -p /pfs/out/d; ln -s $in /pfs/out/abs-$(basename $in); "
                 "ln -s ../abs-$(basename $in) /pfs/out/d/rel-$(basename $in)"),
    "escapes": _sh("ln -s /etc/passwd /pfs/out/stolen", datum_tries=1),
    "makes-fifo": _sh("mkfifo /pfs/out/pipe", datum_tries=1),
    "tools": _sh("printf '#!/bin/sh\\necho ran' > /pfs/out/tool; chmod 755 /pfs/out/tool; "
                 "echo x > /pfs/out/plain", input={"pfs": {"repo": "in", "glob": "/a"}}),
    "uses-tool": _sh("/pfs/tools/tool > /pfs/out/said; "
                     "test -x /pfs/tools/plain || echo no > /pfs/out/plain",
                     input={"pfs": {"repo": "tools", "glob": "/"}}),
    "empty": _sh("wc -c < $(ls /pfs/in/*) > /pfs/out/$(basename $in)",
                 input={"pfs": {"repo": "in", "glob": "/*", "empty_files": True}}),
    "union": _sh("for d in one two; do test ! -d /pfs/$d || ls /pfs/$d; done "
                 "> /pfs/out/$PFS_DATUM_ID",
                 input={"union": [{"pfs": {"repo": "in", "name": "one", "glob": "/a"}},
                                  {"pfs": {"repo": "in", "name": "two", "glob": "/b"}}]}),
    "cross": _sh("cat /pfs/one/* /pfs/two/* > /pfs/out/$PFS_DATUM_ID",
                 input={"cross": [{"pfs": {"repo": "in", "name": "one", "glob": "/*"}},
                                  {"pfs": {"repo": "in", "name": "two", "glob": "/*"}}]}),
    "joined": _sh("env | grep JOIN_ON > /pfs/out/$PACH_DATUM_one_JOIN_ON",
                  input={"join": [
                      {"pfs": {"repo": "in", "name": "one", "glob": "/(*)", "join_on": "$1"}},
                      {"pfs": {"repo": "in", "name": "two", "glob": "/(*)", "join_on": "$1"}}]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pfs]:
    """A home in which all the pipelines have run on the files /a and /b."""
    with Pfs(home=tmp_path_factory.mktemp("ran")) as pfs:
        pfs.create_repo("in")
        for name, spec in PIPELINES.items():
            pfs.create_pipeline({"pipeline": {"name": name}, **spec})
        with pfs.commit("in@master") as c:
            c.put_file("/a", b"a")
            c.put_file("/b", b"b")
        pfs.run()
        yield pfs


def _job(pfs: Pfs, name: str) -> JobInfo:
    return pfs.list_jobs(name)[0]


def _read(pfs: Pfs, name: str) -> dict[str, str]:
    ref = f"{name}@master"
    return {
        info.path: pfs.read_file(f"{ref}:{info.path}").decode()
        for info in pfs.glob_files(ref, "/**")
    }


def _states(pfs: Pfs, name: str) -> dict[str, str]:
    return {
        datum.files[0].rpartition(":")[2]: datum.state
        for datum in pfs.list_datums(f"{name}@{_job(pfs, name).id}")
    }


pytestmark = pytest.mark.timeout(180)  # the fixture runs all pipelines


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("stdin", {"/a": "A", "/b": "B"}),
        ("cmd", {"/a": "a", "/b": "b"}),
        ("codes", {"/a": "x\n", "/b": "x\n"}),
        ("empty", {"/a": "0\n", "/b": "0\n"}),
        ("silent", {}),
        ("nothing", {}),
        ("links", {"/abs-a": "a", "/abs-b": "b", "/d/rel-a": "a", "/d/rel-b": "b"}),
    ],
)
def test_output_is_what_the_program_wrote(ran: Pfs, name: str, files: dict[str, str]) -> None:
    job = _job(ran, name)

    assert (job.state, job.reason) == ("success", "")
    assert job.processed + job.skipped == job.total
    assert _read(ran, name) == files


def test_a_program_that_a_pipeline_wrote_can_be_run_by_the_next_one_and_after_get(
    ran: Pfs, tmp_path: Path
) -> None:
    ran.get_tree("tools@master:/", str(tmp_path / "got"))

    assert _job(ran, "uses-tool").state == "success"
    assert _read(ran, "uses-tool") == {"/said": "ran\n", "/plain": "no\n"}
    modes = {path.name: path.stat().st_mode & 0o100 for path in (tmp_path / "got").iterdir()}
    assert modes == {"tool": 0o100, "plain": 0}


def test_the_environment_is_the_documented_one_and_nothing_of_the_worker(ran: Pfs) -> None:
    job = _job(ran, "env")
    lines = _read(ran, "env")["/a"].splitlines()
    env = dict(line.partition("=")[::2] for line in lines)
    head = ran.inspect_branch("in@master").head

    assert env["MINE"] == "two words"
    assert env["in"] == "/pfs/in/a"
    assert env["in_COMMIT"] == env["PACH_IN_COMMIT_ID"] == env["PFS_IN_COMMIT_ID"] == head
    for system in ("PACH", "PFS"):
        assert env[f"{system}_JOB_ID"] == env[f"{system}_OUTPUT_COMMIT_ID"] == job.id
        assert ID.fullmatch(env[f"{system}_DATUM_ID"])
    assert (env["PPS_PIPELINE_NAME"], env["PPS_PROJECT_NAME"]) == ("env", "default")
    secret = re.compile("CATALOG|STORE|AWS_|GOOGLE_|AZURE_|POSTGRES|PGPASS|AIRFLOW", re.IGNORECASE)
    assert [name for name in env if secret.search(name)] == []


def test_a_failed_datum_fails_its_job_and_stops_what_is_below(ran: Pfs) -> None:
    job = _job(ran, "fails")

    assert (job.state, job.processed, job.failed) == ("failure", 1, 1)
    assert "/b" in job.reason
    assert "code 3" in job.reason
    assert _states(ran, "fails") == {"/a": "success", "/b": "failed"}
    assert ran.inspect_commit("fails@master").error == job.reason
    assert _job(ran, "below").state == "unrunnable"
    failed = next(d for d in ran.list_datums(f"fails@{job.id}") if d.state == "failed")
    assert (failed.tries, failed.exit_code) == (3, 3)


def test_all_that_a_program_says_is_in_its_log(ran: Pfs) -> None:
    by_datum: dict[str, list[str]] = {}
    for line in ran.logs("fails"):
        by_datum.setdefault(line.datum, []).append(line.text)

    job = _job(ran, "fails")
    tries = {datum.id: datum.tries for datum in ran.list_datums(f"fails@{job.id}")}
    assert by_datum == {id_: ["seen on stderr", "seen"] * n for id_, n in tries.items()}


def test_a_recovered_datum_fails_nothing(ran: Pfs) -> None:
    job = _job(ran, "recovers")

    assert (job.state, job.processed, job.recovered) == ("success", 1, 1)
    assert _states(ran, "recovers") == {"/a": "success", "/b": "recovered"}
    assert _read(ran, "recovers") == {"/a": "a"}


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("slow", 137, "datum_timeout"),
        ("absent", 127, "no-such-command"),
        ("gone", 137, "signal 9"),
        ("escapes", 0, "/pfs/out/stolen is a link that leads out of /pfs"),
        ("makes-fifo", 0, "/pfs/out/pipe cannot be stored: it is a FIFO"),
    ],
)
def test_each_way_to_fail_has_its_code_and_its_reason(
    ran: Pfs, name: str, code: int, reason: str
) -> None:
    job = _job(ran, name)

    assert (job.state, job.failed) == ("failure", 2)
    assert reason in job.reason
    assert {d.exit_code for d in ran.list_datums(f"{name}@{job.id}")} == {code}
    assert {d.tries for d in ran.list_datums(f"{name}@{job.id}")} == {1}


def test_a_union_has_a_datum_for_each_part_and_a_cross_for_each_pair(ran: Pfs) -> None:
    assert _job(ran, "union").total == 2
    assert sorted(_read(ran, "union").values()) == ["a\n", "b\n"]
    assert sorted(_read(ran, "cross").values()) == ["aa", "ab", "ba", "bb"]


def test_a_join_tells_its_key(ran: Pfs) -> None:
    found = _read(ran, "joined")

    assert sorted(found) == ["/a", "/b"]
    assert "PACH_DATUM_two_JOIN_ON=a\n" in found["/a"]
    assert "PFS_DATUM_one_JOIN_ON=a\n" in found["/a"]


def test_every_commit_below_has_the_id_of_the_change(ran: Pfs) -> None:
    head = ran.inspect_branch("in@master").head
    assert head is not None

    assert {commit.repo for commit in ran.list_change(head)} == {"in", *PIPELINES}


def test_what_runs_again_is_what_did_not_succeed(ran: Pfs) -> None:
    """Last of all, for it changes the home."""
    for name in ("fails", "recovers"):
        ran.rerun_pipeline(name)

    jobs = {job.pipeline: job for job in ran.run()}

    assert (jobs["fails"].skipped, jobs["fails"].failed) == (1, 1)
    assert (jobs["recovers"].skipped, jobs["recovers"].recovered) == (1, 1)
