"""A store that is read-only or full: one clear error, nothing half-done, and it goes on after that.

The places are made in a mount namespace of their own, so that root is refused too.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, os, sys
from pfs_provider import Pfs, PfsError
place = sys.argv[1]
os.environ.pop("PFS_HOME", None)
told = []

def act(verb):
    try:
        value = verb()
        told.append(value if isinstance(value, (str, int)) else "done")
    except PfsError as error:
        told.append([type(error).__name__, str(error.code), str(error)])

def main(pfs):
    mine = {names}
    for line in mine:
        act(eval(line, {{"pfs": pfs, "os": os}}))

with Pfs(catalog=f"sqlite:///{{place}}/catalog.db", store=f"{{place}}/store") as pfs:
    {prepare}
    os.system({mount!r}.format(place=place))
    main(pfs)
print(json.dumps(told))
"""


def _run(place: Path, *, prepare: str, mount: str, acts: list[str]) -> list[object]:
    """Run acts on a façade whose store gets what ``mount`` does to it, in a mount namespace."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: util-linux has it")
    place.mkdir()
    (place / "store").mkdir()
    program = PROGRAM.format(names=acts, prepare=prepare, mount=mount)
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", program, place],
        capture_output=True,
        cwd=ROOT,
        text=True,
        check=False,
    )
    if done.returncode and "unshare" in done.stderr:
        pytest.skip(f"no mount namespace to be had: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    told: list[object] = json.loads(done.stdout.splitlines()[-1])
    return told


def _failed(answer: object, code: str) -> bool:
    return isinstance(answer, list) and answer[:2] == ["UnavailableError", code]


def test_a_read_only_store_takes_nothing_and_is_read(tmp_path: Path) -> None:
    told = _run(
        tmp_path / "home",
        prepare="pfs.create_repo('in'); pfs.put_file('in@master:/a', b'1')",
        mount="mount --bind {place}/store {place}/store && mount -o remount,ro,bind {place}/store",
        acts=[
            "lambda: pfs.put_file('in@master:/b', b'2')",
            "lambda: len(pfs.list_commits('in'))",
            "lambda: pfs.read_file('in@master:/a').decode()",
        ],
    )

    assert _failed(told[0], "store-read-only"), told
    assert told[1:] == [1, "1"]


def test_a_full_store_takes_nothing_and_goes_on_with_room(tmp_path: Path) -> None:
    told = _run(
        tmp_path / "home",
        prepare="""os.system(f'mount -t tmpfs -o size=2m tmpfs {place}/store')
    pfs.create_repo('in')""",
        mount="true",
        acts=[
            "lambda: pfs.put_file('in@master:/large', os.urandom(8 << 20))",
            "lambda: pfs.put_file('in@master:/small', os.urandom(100_000)).state",
            "lambda: len(pfs.list_commits('in'))",
            "lambda: len(pfs.read_file('in@master:/small'))",
        ],
    )

    assert _failed(told[0], "store-full"), told
    assert "full" in str(told[0])
    assert told[2] in {0, 1}
    assert told[1] == "finished" or _failed(told[1], "store-full")
