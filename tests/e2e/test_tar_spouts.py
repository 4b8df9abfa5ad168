"""Spouts as they were written up to Pachyderm 1.11, from outside: tar archives in /pfs/out."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from pfs_provider.pfs import Pfs
from tests.docs.pages import find_blocks
from tests.e2e.shell import Shell, watching
from tests.e2e.spouts import PAGE, commands, wait_until

pytestmark = pytest.mark.timeout(600)

# Counts from where the marker says; every archive brings the next number and the marker.
COUNTER = """
import io, os, sys, tarfile, time

def member(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))

try:
    number = int(open("/pfs/place").read())
except FileNotFoundError:
    number = 0
with open("/pfs/out", "wb") as out:
    while number < int(sys.argv[1]):
        number += 1
        with tarfile.open(fileobj=out, mode="w|") as tar:
            member(tar, "place", b"%d" % number)
            member(tar, "newest", b"%d\\n" % number)
            member(tar, f"./all/{number}", b"x" * 100_000)
        out.flush()
        time.sleep(0.05)
time.sleep(1000)
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


def make_spout(shell: Shell, *arguments: str, **spout: object) -> Path:
    script = shell.folder / shell.write("spout.py", COUNTER)
    spec = {
        "pipeline": {"name": "numbers"},
        "transform": {"cmd": [sys.executable, str(script), *arguments]},
        "spout": spout,
    }
    shell.ok("create", "pipeline", "-f", "-", stdin=json.dumps(spec).encode())
    return script


def numbers(pfs: Pfs) -> list[int]:
    found = [int(info.path[5:]) for info in pfs.glob_files("numbers@master", "/all/*")]
    return sorted(found)


def test_each_archive_is_a_commit_and_the_marker_tells_a_new_start_where_to_go_on(
    shell: Shell,
) -> None:
    end = 60
    script = make_spout(shell, str(end), marker="place", overwrite=True)

    with watching(shell), Pfs(home=shell.folder / "home") as pfs:
        for at_least in (5, 10):
            wait_until(lambda n=at_least: len(pfs.list_commits("numbers")) > 2 * n)  # type: ignore[misc]
            [pid] = commands(script)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: commands(script) not in ([], [pid]))  # type: ignore[misc]
        wait_until(lambda: pfs.read_file("numbers@marker:/place") == b"%d" % end)

        assert numbers(pfs) == list(range(1, end + 1))
        assert pfs.read_file("numbers@master:/newest") == b"%d\n" % end
        assert [info.path for info in pfs.list_files("numbers@master:/")] == ["/all/", "/newest"]
        brought = [c for c in pfs.list_commits("numbers") if c.branch == "master"]
        assert len(brought) == end


def test_without_overwrite_files_grow_and_what_is_cut_short_is_left_out(shell: Shell) -> None:
    code = """
    cd $(mktemp -d); printf one > log; tar cf good.tar log
    head -c 700 good.tar > /pfs/out
    sleep 1
    cat good.tar good.tar > /pfs/out
    head -c 2000 /dev/urandom > /pfs/out
    sleep 1
    cat good.tar > /pfs/out
    sleep 1000
    """
    spec = {
        "pipeline": {"name": "grows"},
        "transform": {"cmd": ["sh"], "stdin": code.splitlines()},
        "spout": {"overwrite": False},
    }
    shell.ok("create", "pipeline", "-f", "-", stdin=json.dumps(spec).encode())

    with watching(shell), Pfs(home=shell.folder / "home") as pfs:
        wait_until(lambda: len(pfs.list_commits("grows")) == 3)
        assert pfs.read_file("grows@master:/log") == b"oneoneone"
        wait_until(lambda: "is left out" in shell.ok("logs", "--pipeline", "grows"))
        said = shell.ok("logs", "--pipeline", "grows")
        assert "only in part" in said
        assert "is no tar archive" in said


def test_the_ticker_of_the_page_goes_on_where_it_was(shell: Shell) -> None:
    blocks = find_blocks(PAGE.read_text())
    [spec] = [block.text for block in blocks if block.marks.get("file") == "ticker.yaml"]
    shell.ok("create", "pipeline", "-f", "-", stdin=spec.encode())

    with Pfs(home=shell.folder / "home") as pfs:
        for at_least in (2, 4):  # the second time with another runner
            with watching(shell):
                wait_until(lambda n=at_least: len(pfs.list_commits("ticker")) >= 2 * n)  # type: ignore[misc]
        ticks = [
            int(pfs.read_file(f"ticker@{commit.id}:/newest"))
            for commit in pfs.list_commits("ticker")
            if commit.branch == "master"
        ]
    # What was under way at the end of the first runner may have come twice, but none is missing.
    assert sorted(set(ticks)) == list(range(1, max(ticks) + 1))
