"""Pipelines whose program stays up, with worker processes: results, tries, logs, memo.

All run once, in one home; each test looks at what one of them gave.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import Pfs
from pfs_provider.infos import DatumInfo

pytestmark = pytest.mark.timeout(300)  # one fixture runs them all

NAMES = [f"/f{n}" for n in range(6)]
LOOP = "echo begun\nwhile pfs next datum $said; do . /pfs/.env; said=\n{each}\ndone"
COPY = 'cp "$in" /pfs/out/'
PYTHON = """
import os, pathlib
from pfs_provider import each_datum
print("begun")

@each_datum
def work():
    path = pathlib.Path(os.environ["in"])
    print("at", path.name)
    if path.name == "f3":
        raise ValueError("not this one")
    pathlib.Path("/pfs/out", path.name).write_text(path.read_text().upper())

work()
"""
LOOPED = """
import os, pathlib, json
if not hasattr(json, "begun"):
    print("begun")
    json.begun = True
path = pathlib.Path(os.environ["in"])
if path.name == "f3":
    raise ValueError("not this one")
pathlib.Path("/pfs/out", path.name).write_text(path.read_text().upper())
"""


def _sh(each: str, **more: Any) -> dict[str, Any]:
    script = LOOP.replace("{each}", each).splitlines()
    transform = {"cmd": ["sh"], "stdin": script, "datum_batching": True}
    return {"transform": transform | more.pop("transform", {}), **more}


PIPELINES: dict[str, dict[str, Any]] = {
    "copies": _sh(f"echo at $in; {COPY}"),
    "reports": _sh(f'case $in in */f3) said="--error=oh";; *) {COPY};; esac', datum_tries=2),
    "once": _sh(f"{COPY}; case $in in */f3) mkdir /tmp/tried && said=--error=oh;; esac"),
    "crashes": _sh(f"case $in in */f3) exit 7;; esac; {COPY}", datum_tries=2),
    "hangs": _sh(f"case $in in */f3) sleep 60;; esac; {COPY}", datum_tries=1, datum_timeout="1s"),
    "recovers": _sh(
        f'case $in in */f3) said="--error=oh";; *) {COPY};; esac',
        transform={"err_cmd": ["sh"], "err_stdin": ["test -f /pfs/in/f3"]},
    ),
    "refused": _sh(f"case $in in */f3) mkfifo /pfs/out/x;; *) {COPY};; esac", datum_tries=1),
    "links": _sh("mkdir /pfs/out/d; ln -s $in /pfs/out/d/"),
    "python": {"transform": {"cmd": ["python", "-c", PYTHON], "datum_batching": True},
               "datum_tries": 1},
    "looped": {"transform": {"cmd": ["python", "-"], "stdin": LOOPED.splitlines(),
                             "python_batching": True}, "datum_tries": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pfs]:
    with Pfs(home=tmp_path_factory.mktemp("ran")) as pfs:
        pfs.create_repo("in")
        for name, spec in PIPELINES.items():
            sets = {"datum_set_spec": {"number": 2}}  # the program goes on from set to set
            source = {"pfs": {"repo": "in", "glob": "/*"}}
            pfs.create_pipeline({"pipeline": {"name": name}, "input": source, **sets, **spec})
        with pfs.commit("in@master") as c:
            for name in NAMES:
                c.put_file(name, name.encode())
        pfs.run(workers=1)
        yield pfs


def _datums(pfs: Pfs, pipeline: str) -> dict[str, DatumInfo]:
    job = pfs.list_jobs(pipeline)[0]
    return {
        datum.files[0].rpartition(":")[2]: datum
        for datum in pfs.list_datums(f"{pipeline}@{job.id}")
    }


def _log(pfs: Pfs, pipeline: str) -> list[str]:
    return [line.text for line in pfs.logs(pipeline=pipeline)]


def _states(pfs: Pfs, pipeline: str) -> set[str]:
    return {datum.state for name, datum in _datums(pfs, pipeline).items() if name != "/f3"}


def test_one_start_works_all_datums_of_all_sets(ran: Pfs) -> None:
    assert ran.list_jobs("copies")[0].state == "success"
    assert {
        f.path: ran.read_file(f"copies@master:{f.path}") for f in ran.list_files("copies@master:/")
    } == {name: name.encode() for name in NAMES}
    assert _log(ran, "copies").count("begun") == 1


def test_each_datum_has_its_own_log(ran: Pfs) -> None:
    for name, datum in _datums(ran, "copies").items():
        lines = [line.text for line in ran.logs(pipeline="copies", datum=datum.id)]
        assert [line for line in lines if line != "begun"] == [f"at /pfs/in{name}"]


@pytest.mark.parametrize(
    ("pipeline", "state", "tries", "code", "reason"),
    [
        ("reports", "failed", 2, 1, "it reported an error: oh"),
        ("once", "success", 2, 0, ""),
        ("crashes", "failed", 2, 7, "code 7 before it said that its datum was done"),
        ("hangs", "failed", 1, 137, "longer than datum_timeout"),
        ("recovers", "recovered", 1, 1, ""),
        ("refused", "failed", 1, 0, "a FIFO"),
        ("python", "failed", 1, 1, "ValueError: not this one"),
        ("looped", "failed", 1, 1, "ValueError: not this one"),
    ],
)
def test_a_datum_that_fails_is_told_and_the_others_are_worked(
    ran: Pfs, pipeline: str, state: str, tries: int, code: int, reason: str
) -> None:
    datum = _datums(ran, pipeline)["/f3"]

    assert (datum.state, datum.tries, datum.exit_code) == (state, tries, code)
    assert _states(ran, pipeline) == {"success"}
    assert reason in ran.list_jobs(pipeline)[0].reason


@pytest.mark.parametrize(
    ("pipeline", "n_starts"),
    [
        ("reports", 1),
        ("crashes", 3),
        ("hangs", 2),
        ("recovers", 2),
        ("refused", 1),
        ("python", 1),
        ("looped", 1),
    ],
)
def test_a_program_is_started_again_only_where_it_ended(
    ran: Pfs, pipeline: str, n_starts: int
) -> None:
    assert _log(ran, pipeline).count("begun") == n_starts


def test_links_to_inputs_are_taken(ran: Pfs) -> None:
    assert {f.path for f in ran.glob_files("links@master", "/**")} == {
        f"/d{name}" for name in NAMES
    }
    assert ran.read_file("links@master:/d/f3") == b"/f3"


def test_what_succeeded_is_not_worked_again(ran: Pfs) -> None:
    with ran.commit("in@master") as c:
        c.put_file("/f9", b"new")

    ran.run("copies", workers=1)

    job = ran.list_jobs("copies")[0]
    assert (job.processed, job.skipped) == (1, len(NAMES))


def test_a_program_that_never_asks_fails_its_datums_after_one_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_PROGRAM_START_S", "1")
    with Pfs(home=tmp_path) as pfs:
        pfs.create_repo("in")
        with pfs.commit("in@master") as c:
            for name in NAMES[:3]:
                c.put_file(name, b"x")
        source = {"pfs": {"repo": "in", "glob": "/*"}}
        transform = {"cmd": ["sh"], "stdin": ["sleep 600"], "datum_batching": True}
        pfs.create_pipeline({"pipeline": {"name": "up"}, "input": source, "transform": transform})

        [job] = pfs.run(workers=1)

        assert (job.state, job.failed) == ("failure", 3)
        assert "`pfs next datum`" in (job.reason or "")
