from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.errors import NotFoundError, RefusedError
from pfs_provider.pfs import Pfs


@pytest.fixture
def pfs(tmp_path: Path) -> Iterator[Pfs]:
    with Pfs(home=tmp_path / "home") as opened:
        opened.create_repo("images")
        yield opened


def source(tmp_path: Path, name: str) -> str:
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    return str(path)


def paths(pfs: Pfs) -> list[str]:
    return [file.path for file in pfs.glob_files("images@master", "/**")]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("images@master", "/one"),
        ("images@master:/", "/one"),
        ("images@master:/p", "/p"),
        ("images@master:/p/", "/p/one"),
    ],
)
def test_a_single_file_is_the_path_unless_that_is_a_directory(
    pfs: Pfs, tmp_path: Path, address: str, path: str
) -> None:
    pfs.put_sources(address, [source(tmp_path, "one")])

    assert paths(pfs) == [path]


def test_several_files_stand_below_the_path_in_one_commit(pfs: Pfs, tmp_path: Path) -> None:
    pfs.put_sources("images@master:/p", [source(tmp_path, "one"), source(tmp_path, "two")])

    assert paths(pfs) == ["/p/one", "/p/two"]
    assert len(pfs.list_commits("images")) == 1


def test_a_folders_contents_stand_below_the_path(pfs: Pfs, tmp_path: Path) -> None:
    source(tmp_path, "d/one")

    pfs.put_sources("images@master:/p", [str(tmp_path / "in")])

    assert paths(pfs) == ["/p/d/one"]


def test_all_go_into_the_open_commit(pfs: Pfs, tmp_path: Path) -> None:
    opened = pfs.start_commit("images@master")

    done = pfs.put_sources("images@master", [source(tmp_path, "one"), source(tmp_path, "two")])
    pfs.finish_commit("images@master")

    assert done.id == opened.id
    assert paths(pfs) == ["/one", "/two"]


def test_one_that_is_missing_leaves_nothing(pfs: Pfs, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        pfs.put_sources("images@master", [source(tmp_path, "one"), str(tmp_path / "nowhere")])

    assert pfs.list_commits("images") == []


def test_bytes_need_a_path_and_folders_cannot_be_appended(pfs: Pfs, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="give it a path"):
        pfs.put_sources("images@master", [b"x"])
    with pytest.raises(RefusedError, match="appended"):
        pfs.put_sources("images@master", [str(tmp_path)], append=True)
