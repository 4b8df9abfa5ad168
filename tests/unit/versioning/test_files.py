"""Reading the files of a commit."""

import os
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.addresses import parse_address
from pfs_provider.versioning import files
from tests.pfs_world import PfsWorld, paths


@pytest.fixture
def change(world: PfsWorld) -> str:
    return world.commit("in@master", {"/a": "1", "/d/x": "22", "/d/e/y": "333", "/z": ""})


def test_a_directory_is_listed_in_path_order(world: PfsWorld, change: str) -> None:
    found = list(files.list_files(world.versions, parse_address("in@master:/")))

    assert [(info.path, info.type, info.size) for info in found] == [
        ("/a", "file", 1), ("/d/", "dir", 5), ("/z", "file", 0)
    ]  # fmt: skip
    assert paths(files.list_files(world.versions, parse_address("in@master:/d"))) == [
        "/d/e/", "/d/x"
    ]  # fmt: skip
    assert paths(files.list_files(world.versions, parse_address(f"in@{change}:/a"))) == ["/a"]


def test_files_of_users_have_no_datum_and_a_time_in_utc(world: PfsWorld, change: str) -> None:
    info = files.inspect_file(world.versions, parse_address("in@master:/a"))

    assert info.datum is None
    assert info.modified is not None
    assert info.modified.utcoffset() is not None
    assert len(info.digest) == 64


def test_a_directorys_digest_moves_with_what_is_below_it(world: PfsWorld, change: str) -> None:
    before = files.inspect_file(world.versions, parse_address("in@master:/d"))
    world.commit("in@master", {"/d/e/y": "444"})
    after = files.inspect_file(world.versions, parse_address("in@master:/d"))
    world.commit("in@master", {"/d/e/y": "333"})
    again = files.inspect_file(world.versions, parse_address("in@master:/d"))

    assert before.digest != after.digest
    assert before.digest == again.digest
    assert before.path == "/d/"


def test_globs_give_files_at_any_depth_or_what_is_at_theirs(world: PfsWorld, change: str) -> None:
    here = parse_address("in@master")

    assert paths(files.glob_files(world.versions, here, "/**")) == ["/a", "/d/e/y", "/d/x", "/z"]
    assert paths(files.glob_files(world.versions, here, "/*")) == ["/a", "/d/", "/z"]
    assert paths(files.glob_files(world.versions, here, "/nothing*")) == []
    with pytest.raises(RefusedError) as raised:
        files.glob_files(world.versions, here, "/[")
    assert raised.value.code == ErrorCode.GLOB_ILLEGAL


def test_what_is_not_there_is_told_before_the_first_value(world: PfsWorld, change: str) -> None:
    missing = parse_address("in@master:/none")

    for verb in (files.list_files, files.inspect_file, files.open_file):
        with pytest.raises(NotFoundError) as raised:
            verb(world.versions, missing)
        assert raised.value.code == ErrorCode.FILE_NOT_FOUND
        assert "/none" in str(raised.value)


def test_a_directory_is_not_opened(world: PfsWorld, change: str) -> None:
    with pytest.raises(RefusedError) as raised:
        files.open_file(world.versions, parse_address("in@master:/d"))

    assert raised.value.code == ErrorCode.PATH_ILLEGAL


def test_an_open_file_seeks(world: PfsWorld) -> None:
    data = os.urandom(5 << 20)
    world.commit("in@master", {"/big": data})

    with files.open_file(world.versions, parse_address("in@master:/big")) as stream:
        stream.seek(3 << 20)
        middle = stream.read(1000)
        stream.seek(-10, os.SEEK_END)
        end = stream.read()

    assert middle == data[3 << 20 : (3 << 20) + 1000]
    assert end == data[-10:]


def test_a_tree_is_written_below_a_folder(world: PfsWorld, change: str, tmp_path: Path) -> None:
    seen: list[int] = []

    n_files = files.get_tree(
        world.versions,
        parse_address("in@master:/d"),
        tmp_path / "out",
        progress=lambda n, _: seen.append(n),
    )

    assert n_files == 2
    assert (tmp_path / "out" / "e" / "y").read_text() == "333"
    assert (tmp_path / "out" / "x").read_text() == "22"
    assert seen[-1] == 2


def test_a_file_is_written_as_a_tree_of_one(world: PfsWorld, change: str, tmp_path: Path) -> None:
    assert files.get_tree(world.versions, parse_address("in@master:/a"), tmp_path / "out") == 1
    assert (tmp_path / "out" / "a").read_text() == "1"


def test_a_tree_is_never_written_through_a_link(
    world: PfsWorld, change: str, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "d").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError) as raised:
        files.get_tree(world.versions, parse_address("in@master:/"), tmp_path / "out")

    assert raised.value.code == ErrorCode.TARGET_ILLEGAL
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_is_written_under_a_name_or_into_a_folder(
    world: PfsWorld, change: str, tmp_path: Path
) -> None:
    files.get_file(world.versions, parse_address("in@master:/d/x"), tmp_path / "name")
    files.get_file(world.versions, parse_address("in@master:/d/x"), tmp_path)

    assert (tmp_path / "name").read_text() == (tmp_path / "x").read_text() == "22"


def test_a_diff_names_files_only_and_defaults_to_the_parent(world: PfsWorld, change: str) -> None:
    world.commit("in@master", {"/a": "changed", "/d/x": None, "/n/ew": "1"})

    found = list(files.diff_files(world.versions, parse_address("in@master")))

    assert [(d.op, d.path, d.old_size, d.new_size) for d in found] == [
        ("modified", "/a", 1, 7), ("deleted", "/d/x", 2, None), ("added", "/n/ew", None, 1)
    ]  # fmt: skip


def test_a_diff_is_narrowed_by_its_path_and_taken_against_any_commit(
    world: PfsWorld, change: str
) -> None:
    world.commit("in@master", {"/a": "changed"})
    world.commit("in@master", {"/d/x": "changed"})

    new, old = parse_address("in@master:/d"), parse_address(f"in@{change}")

    assert paths(files.diff_files(world.versions, new, old)) == ["/d/x"]
    assert paths(files.diff_files(world.versions, parse_address("in@master"), old)) == [
        "/a", "/d/x"
    ]  # fmt: skip


def test_the_first_commit_differs_from_nothing(world: PfsWorld, change: str) -> None:
    assert [d.op for d in files.diff_files(world.versions, parse_address("in@master"))] == [
        "added"
    ] * 4


def test_a_path_leads_to_the_commits_that_changed_it(world: PfsWorld, change: str) -> None:
    world.commit("in@master", {"/other": "1"})
    second = world.commit("in@master", {"/d/x": "changed"})
    gone = world.commit("in@master", {"/d": None})

    def find(path: str) -> list[str]:
        return [
            c.id for c in files.find_commits(world.versions, parse_address(f"in@master:{path}"))
        ]

    assert find("/d/x") == [gone, second, change]
    assert find("/d/e/y") == [gone, change]
    assert find("/never") == []
