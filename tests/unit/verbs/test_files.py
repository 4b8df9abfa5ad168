"""Writing files through the façade, into an open commit or as a commit of its own."""

import io
from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from tests.pfs_world import PfsWorld, paths


def test_a_put_is_a_commit_unless_one_is_open(world: PfsWorld) -> None:
    one = world.pfs.put_file("in@master:/a", b"1", message="hello")
    opened = world.pfs.start_commit("in@master")
    two = world.pfs.put_file("in@master:/b", b"2")
    three = world.pfs.put_file(f"in@{opened.id}:/c", b"3")

    assert (one.state, one.message) == ("finished", "hello")
    assert two.id == three.id == opened.id
    assert world.read("in@master") == {"/a": "1"}
    world.pfs.finish_commit("in@master")
    assert world.read("in@master") == {"/a": "1", "/b": "2", "/c": "3"}
    assert len(world.pfs.list_commits("in")) == 2


def test_a_finished_commit_is_not_written_to(world: PfsWorld) -> None:
    change = world.put(a="1")

    with pytest.raises(ConflictError) as put:
        world.pfs.put_file(f"in@{change}:/b", b"2")
    with pytest.raises(ConflictError) as deleted:
        world.pfs.delete_file(f"in@{change}:/a")

    assert put.value.code == deleted.value.code == ErrorCode.COMMIT_FINISHED


def test_a_put_without_a_path_takes_the_sources_name(world: PfsWorld, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"png")

    world.pfs.put_file("in@master", str(tmp_path / "photo.png"))
    world.pfs.put_file("in@other", (tmp_path / "photo.png").as_uri())

    assert world.read("in@master") == world.read("in@other") == {"/photo.png": "png"}
    with pytest.raises(RefusedError) as raised:
        world.pfs.put_file("in@master", b"no name")
    assert raised.value.code == ErrorCode.PATH_ILLEGAL


def test_a_put_that_is_interrupted_commits_nothing(world: PfsWorld) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    world.put(a="1")

    with pytest.raises(KeyboardInterrupt):
        world.pfs.put_file("in@master:/a", Broken())

    assert len(world.pfs.list_commits("in")) == 1
    world.pfs.put_file("in@master:/a", b"2")
    assert world.read("in@master") == {"/a": "2"}


def test_appends_continue_a_file(world: PfsWorld) -> None:
    for text in (b"1", b"2", b"3"):
        world.pfs.put_file("in@master:/log", text, append=True)
    world.pfs.start_commit("in@master")
    world.pfs.put_file("in@master:/log", b"4", append=True)
    world.pfs.put_file("in@master:/log", b"5", append=True)
    world.pfs.finish_commit("in@master")

    assert world.read("in@master") == {"/log": "12345"}
    assert world.read("in@master^") == {"/log": "123"}


def test_equal_bytes_have_one_digest_whatever_way_they_came(
    world: PfsWorld, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 20_000
    (tmp_path / "f").write_bytes(data)
    with world.pfs.commit("in@master") as c:
        c.put_file("/bytes", data)
        c.put_file("/stream", io.BytesIO(data))
        c.put_file("/path", tmp_path / "f")
        c.put_file("/append", data[:3_000_000])
        c.put_file("/append", data[3_000_000:], append=True)

    assert len({info.digest for info in world.pfs.glob_files("in@master", "/**")}) == 1


def test_deletes_take_files_and_folders(world: PfsWorld) -> None:
    world.commit("in@master", {"/a": "1", "/d/x": "2", "/d/y": "3"})

    world.pfs.delete_file("in@master:/d/")
    assert world.read("in@master") == {"/a": "1"}
    with pytest.raises(NotFoundError):
        world.pfs.delete_file("in@master:/d")
    world.pfs.delete_file("in@master:/")
    assert world.read("in@master") == {}


def test_files_and_folders_are_copied_between_repos_and_commits(world: PfsWorld) -> None:
    world.commit("in@master", {"/a": "old", "/d/x": "2"})
    world.put(a="new")
    world.pfs.create_repo("out")

    world.pfs.copy_file("in@master^:/a", "out@master:/kept")
    world.pfs.copy_file("in@master:/d", "out@master:/e")
    world.pfs.copy_file("in@master:/a", "out@master")

    assert world.read("out@master") == {"/a": "new", "/e/x": "2", "/kept": "old"}
    with pytest.raises(NotFoundError):
        world.pfs.copy_file("in@master:/none", "out@master:/x")


def test_a_tree_put_over_another_replaces_files_and_keeps_the_rest(
    world: PfsWorld, tmp_path: Path
) -> None:
    world.commit("in@master", {"/d/a": "old", "/d/b": "stays"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("new")

    world.pfs.put_tree("in@master:/d", tmp_path / "folder")

    assert world.read("in@master") == {"/d/a": "new", "/d/b": "stays"}


def test_what_goes_in_comes_out_the_same(world: PfsWorld, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "d" / "e").mkdir(parents=True)
    (source / "d" / "é\n .txt").write_bytes(b"\0\xff")
    (source / "d" / "e" / "tool").write_bytes(b"#!")
    (source / "d" / "e" / "tool").chmod(0o755)
    (source / "empty").write_bytes(b"")

    world.pfs.put_tree("in@master:/", source)
    n_files = world.pfs.get_tree("in@master:/", target)

    assert n_files == 3
    for path in source.rglob("*"):
        twin = target / path.relative_to(source)
        assert twin.is_dir() == path.is_dir()
        if path.is_file():
            assert twin.read_bytes() == path.read_bytes()
            assert bool(twin.stat().st_mode & 0o100) == bool(path.stat().st_mode & 0o100)
    world.pfs.get_file("in@master:/empty", tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b""


def test_finding_commits_is_offered_by_the_facade(world: PfsWorld) -> None:
    first = world.put(a="1")
    world.put(b="2")

    assert [c.id for c in world.pfs.find_commits("in@master:/a")] == [first]
    assert paths(world.pfs.list_files("in@master:/")) == ["/a", "/b"]
