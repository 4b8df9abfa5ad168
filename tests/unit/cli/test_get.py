from pathlib import Path

from tests.unit.cli.runner import Cli


def test_a_file_goes_to_standard_output(images: Cli) -> None:
    assert images.ok("get", "file", "images@master:/d/b").out == "bb"


def test_a_file_goes_where_it_is_told(images: Cli, tmp_path: Path) -> None:
    images.ok("get", "file", "images@master:/a", "-o", str(tmp_path / "got"))

    assert (tmp_path / "got").read_bytes() == b"a"


def test_a_directory_goes_below_a_folder(images: Cli, tmp_path: Path) -> None:
    images.ok("get", "file", "images@master:/", "-r", "-o", str(tmp_path / "all"))

    assert (tmp_path / "all" / "d" / "b").read_bytes() == b"bb"


def test_a_directory_needs_a_folder_to_go_to(images: Cli) -> None:
    assert images("get", "file", "images@master:/", "-r").code == 2


def test_a_directory_is_no_file(images: Cli, tmp_path: Path) -> None:
    done = images("get", "file", "images@master:/d", "-o", str(tmp_path / "d"))

    assert done.code == 5
    assert "-r" in done.err
