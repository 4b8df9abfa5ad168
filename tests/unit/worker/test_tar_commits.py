"""What becomes of an archive: a commit, and the marker apart from it."""

import io
import tarfile
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.worker.tar_commits import TarCommits, TarTarget, main
from tests.pfs_world import PfsWorld
from tests.unit.worker.test_tar_stream import tar

IDS = ("a" * 32, "b" * 32)


def commits(world: PfsWorld, told: list[str], **target: object) -> TarCommits:
    return TarCommits(
        pfs=world.pfs,
        target=TarTarget(branch="in@master", **target),  # type: ignore[arg-type]
        clock=SystemClock(),
        tell=told.append,
    )


def test_files_grow_or_are_replaced(world: PfsWorld) -> None:
    told: list[str] = []
    for ids, overwrite in ((("1" * 32,) * 2, False), (("2" * 32,) * 2, False), (IDS, True)):
        made = commits(world, told, overwrite=overwrite)
        made.land(io.BytesIO(tar({"./a": b"x", "/b/c": b"y"})), (ids[0], ids[1]))
    third, second = world.pfs.list_commits("in")[:2]
    assert world.read(f"in@{second.id}") == {"/a": "xx", "/b/c": "yy"}
    assert world.read(f"in@{third.id}") == {"/a": "x", "/b/c": "y"}
    assert told == []


def test_the_same_archive_again_makes_no_second_commit(world: PfsWorld) -> None:
    archive = io.BytesIO(tar({"a": b"x", "m/1": b"1"}))
    for _ in range(2):
        commits(world, [], marker="m").land(archive, IDS)
    assert [commit.id for commit in world.pfs.list_commits("in")] == [IDS[1], IDS[0]]
    assert world.read("in@master") == {"/a": "x"}


@pytest.mark.parametrize("files", [{"m": b"7"}, {"m/1": b"7", "m/2/3": b"8"}])
def test_the_marker_is_kept_apart_and_fetched(
    world: PfsWorld, tmp_path: Path, files: dict[str, bytes]
) -> None:
    folder = tmp_path / "pfs"
    folder.mkdir()
    made = commits(world, [], marker="m")
    made.fetch_marker(folder)  # there is none yet
    assert list(folder.iterdir()) == []

    made.land(io.BytesIO(tar({**files, "more": b"x", "m-not": b"y"})), IDS)
    made.land(io.BytesIO(tar(dict.fromkeys(files, b"9"))), ("c" * 32, "d" * 32))
    made.fetch_marker(folder)

    assert world.read("in@master") == {"/m-not": "y", "/more": "x"}
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == dict.fromkeys(files, b"9")


def test_what_cannot_be_committed_is_told_and_the_next_is(world: PfsWorld) -> None:
    told: list[str] = []
    made = commits(world, told)
    made.land(io.BytesIO(tar({"a": b"x"})), IDS)
    made.land(io.BytesIO(tar({"a/b": b"x"})), ("c" * 32, "d" * 32))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "a"
        archive.addfile(link)
    made.land(content, ("e" * 32, "f" * 32))
    made.land(io.BytesIO(tar({"b": b"x"})), ("0" * 32, "1" * 32))

    assert world.read("in@master") == {"/a": "x", "/b": "x"}
    assert len(told) == 2
    assert "both a file and the directory" in told[0]
    assert "/link" in told[1]


def test_a_repo_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(tar({"a": b"x"}))
    monkeypatch.setenv("PFS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{IDS[0]} {IDS[1]} {archive}\n"))

    assert main(["gone@master"]) == 0

    done = capsys.readouterr()
    assert done.out == "done\n"
    assert "repo gone does not exist" in done.err
