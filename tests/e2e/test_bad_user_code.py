"""User code that does what it should not, by the real program and real workers.

Each gives the documented state with its datum and the reason, and harms nobody: not the other datum
of the job, not the other jobs, not the next job, not the machine. What a single task does to its
executor: tests/contract/test_executor.py and test_executor_isolation.py.
"""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.probe import probe
from tests.e2e.shell import Shell, here
from tests.unit.cli.runner import Cli

pytestmark = pytest.mark.timeout(600)

MARK = "pfs-was-here"
SLEEP = "8765432.1"
"""Seconds that nobody else sleeps, so that its processes are known."""
GIGABYTE = 1 << 30
LOG_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Case:
    """What user code does where its file says "bad", and what has to be told of it."""

    script: str
    state: str = "success"
    code: int = 0
    reason: str = ""
    log: str = ""
    output: str = "bad"
    spec: tuple[tuple[str, Any], ...] = ()


CASES = {
    "writes-on-the-machine": Case(
        script=f"echo x > /usr/{MARK} || exit 9", state="failed", code=9,
        reason="it exited with code 9", log=f"/usr/{MARK}: Read-only file system",
    ),
    "writes-into-tmp": Case(
        script=f"test ! -e /tmp/{MARK} || exit 9; echo x > /tmp/{MARK}; echo x > /var/tmp/{MARK}",
    ),
    "writes-beside-out": Case(script="mkdir /pfs/more; echo x > /pfs/more/x; echo x > /pfs/x"),
    "spoils-its-input": Case(script="echo spoilt > $in; rm -f /pfs/in/a", output="spoilt\n"),
    "removes-out": Case(script="rm -r /pfs/out; mkdir /pfs/out"),
    "forks-a-daemon": Case(
        script=f"setsid sh -c 'sleep {SLEEP} & sleep {SLEEP}' > /dev/null 2>&1 &",
    ),
    "prints-a-gigabyte": Case(
        script=f"yes 0123456789abcde | head -c {GIGABYTE}", log="[log cut here",
    ),
    "ignores-sigterm": Case(
        script=f"trap '' TERM INT HUP; sleep {SLEEP} & sleep {SLEEP}", state="failed", code=137,
        reason="it ran longer than datum_timeout (2.0 s)", spec=(("datum_timeout", "2s"),),
    ),
}  # fmt: skip


def _spec(name: str, script: str, **more: Any) -> dict[str, Any]:
    lines = ["if grep -q bad $in; then", script, "fi", "cp $in /pfs/out/"]
    return {
        "pipeline": {"name": name},
        "transform": {"cmd": ["sh"], "stdin": lines},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "datum_set_spec": {"number": 1},
        "datum_tries": 1,
        **more,
    }


def _put(shell: Shell, pfs: Cli, **files: str) -> None:
    for name, text in files.items():
        shell.write(name, text)
        pfs.ok("put", "file", f"in@master:/{name}", "-f", name)


def _sleepers() -> list[str]:
    """The processes of this machine that sleep as user code here does."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if SLEEP.encode() in words and words[0].endswith(b"sleep"):
            found.append(path.parent.name)
    return found


def _datums(pfs: Cli, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = pfs.ok("list", "datum", f"{job['pipeline']}@{job['id']}", "-o", "json").json
    return {one["files"][0].rpartition("/")[2]: one for one in found}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home in which all cases have run once on the files /a, good, and /b, bad."""
    ability = probe(clock=SystemClock())
    if not ability.is_isolated:
        pytest.skip(ability.sentence)
    shell = Shell(folder=tmp_path_factory.mktemp("bad"), env={"PFS_MAX_LOG_BYTES": str(LOG_BYTES)})
    specs = [_spec(name, case.script, **dict(case.spec)) for name, case in CASES.items()]
    shell.write("specs.json", json.dumps([*specs, _spec("well-behaved", "true")]))
    with pytest.MonkeyPatch.context() as patch:
        pfs = here(shell, patch)
        pfs.ok("create", "repo", "in")
        _put(shell, pfs, a="good", b="bad")
        pfs.ok("create", "pipeline", "-f", "specs.json")
        done = pfs("run")
    assert done.code == 1, done.err
    assert _sleepers() == []
    return shell


@pytest.fixture
def pfs(place: Shell, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return here(place, monkeypatch)


@pytest.mark.parametrize("name", CASES)
def test_bad_user_code_ends_in_its_documented_state_and_harms_no_other_datum(
    pfs: Cli, name: str
) -> None:
    case = CASES[name]
    [job] = pfs.ok("list", "job", "-p", name, "-o", "json").json

    datums = _datums(pfs, job)
    log = pfs.ok("logs", "--job", f"{name}@{job['id']}", "--datum", datums["b"]["id"]).out

    assert datums["a"]["state"] == "success"
    assert (datums["b"]["state"], datums["b"]["exit_code"]) == (case.state, case.code)
    assert job["state"] == ("failure" if case.state == "failed" else "success")
    if case.reason:
        assert f"datum {datums['b']['id']} (" in job["reason"]
        assert "/b) failed" in job["reason"]
    assert case.reason in job["reason"]
    assert case.log in log
    assert len(log) <= LOG_BYTES + 1000
    if case.state == "success":
        listed = pfs.ok("glob", "file", f"{name}@master:/**", "-o", "json").json
        assert [one["path"] for one in listed] == ["/a", "/b"]
        assert pfs.ok("get", "file", f"{name}@master:/b").out == case.output


def test_nothing_is_left_on_the_machine_and_no_input_is_changed(pfs: Cli) -> None:
    for folder in ("/usr", "/tmp", "/var/tmp"):
        assert not Path(folder, MARK).exists()
    assert pfs.ok("get", "file", "in@master:/b").out == "bad"
    assert pfs.ok("get", "file", "in@master:/a").out == "good"
    [job] = pfs.ok("list", "job", "-p", "well-behaved", "-o", "json").json
    assert (job["state"], job["processed"]) == ("success", 2)


def test_the_next_job_of_each_is_unharmed(place: Shell, pfs: Cli) -> None:
    """Last but one, for it changes the home."""
    _put(place, pfs, b="better")

    done = pfs("run", "-o", "json")

    told = {job["pipeline"]: (job["state"], job["processed"], job["skipped"]) for job in done.json}
    assert told == dict.fromkeys([*CASES, "well-behaved"], ("success", 1, 1)), done.err


def test_a_job_is_stopped_whose_user_code_ignores_all_signals(place: Shell, pfs: Cli) -> None:
    """Last of all, for it changes the home."""
    _put(place, pfs, b="bad")
    place.write("s.json", json.dumps(_spec("stubborn", CASES["ignores-sigterm"].script)))
    pfs.ok("create", "pipeline", "-f", "s.json")
    [job] = pfs.ok("list", "job", "-p", "stubborn", "-o", "json").json
    running = place.start("run", "stubborn")
    while not _sleepers():
        assert running.poll() is None
        time.sleep(0.1)

    stopped = pfs.ok("stop", "job", f"stubborn@{job['id']}", "-o", "json").json[0]
    out, error = running.communicate(timeout=120)

    assert stopped["state"] == "killed"
    assert running.returncode == 1, (out, error)
    assert _sleepers() == []
    _put(place, pfs, b="better")
    assert pfs("run", "stubborn", "-o", "json").json[0]["state"] == "success"


WITH_A_SMALL_DISK = 'mount -t tmpfs -o size=16m tmpfs "$PFS_SCRATCH" && exec "$@"'


def test_user_code_that_fills_the_disk_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers have a small disk, which only a mount namespace of its own can give them."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: util-linux has it")
    shell = Shell(folder=tmp_path, env={"PFS_SCRATCH": str(tmp_path / "scratch")})
    (tmp_path / "scratch").mkdir()
    pfs = here(shell, monkeypatch)
    pfs.ok("create", "repo", "in")
    _put(shell, pfs, a="good", b="bad", c="good", d="x" * (24 << 20), e="good")
    fill = "head -c 64m /dev/zero > /pfs/out/large || { ls -l /pfs/out; exit 7; }"
    shell.write("s.json", json.dumps([_spec("fills", fill), _spec("other", "true")]))
    pfs.ok("create", "pipeline", "-f", "s.json")

    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", WITH_A_SMALL_DISK, "sh",
         sys.executable, "-m", "pfs_provider.cli", "run"],
        cwd=tmp_path, env=shell.environment, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    if "unshare: " in done.stderr or "mount: " in done.stderr:
        pytest.skip(f"no mount namespace to be had: {done.stderr.strip()}")

    assert done.returncode == 1, done.stderr
    jobs = {job["pipeline"]: job for job in pfs.ok("list", "job", "-o", "json").json}
    datums = _datums(pfs, jobs["fills"])
    assert {name: one["state"] for name, one in datums.items()} == {
        "a": "success", "b": "failed", "c": "success", "d": "failed", "e": "success",
    }  # fmt: skip
    by_exit = {one["exit_code"]: one["id"] for one in datums.values()}
    assert f"{by_exit[7]} (" in jobs["fills"]["reason"]
    assert "exited with code 7; its log ends early: No space left" in jobs["fills"]["reason"]
    assert f"{by_exit[None]} (" in jobs["other"]["reason"]
    assert "/pfs/in/d: the disk is full" in jobs["other"]["reason"]
    assert (jobs["other"]["processed"], jobs["other"]["failed"]) == (4, 1)
    _put(shell, pfs, b="better", d="small")
    assert {job["state"] for job in pfs("run", "-o", "json").json} == {"success"}
