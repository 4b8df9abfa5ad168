from pathlib import Path

from tests.unit.cli.runner import Cli


def test_several_sources_make_one_commit(images: Cli, tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for path in (one, two, three):
        path.write_text(path.name)

    images.ok("put", "file", "images@master:/n", "-f", str(one), "-f", str(two), str(three))

    assert len(images.ok("list", "commit", "images", "-o", "json").json) == 2
    files = images.ok("list", "file", "images@master:/n", "-o", "json").json
    assert [file["path"] for file in files] == ["/n/one", "/n/three", "/n/two"]


def test_a_folder_needs_r_and_gives_its_contents(images: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").write_text("x")

    refused = images("put", "file", "images@master:/p", "-f", str(folder))
    images.ok("put", "file", "images@master:/p", "-r", "-f", str(folder))

    assert refused.code == 5
    assert f"{str(folder)!r} is a folder: add -r" in refused.err
    assert images.ok("get", "file", "images@master:/p/x").out == "x"


def test_appending_adds_to_what_is_there(images: Cli) -> None:
    images.ok("put", "file", "images@master:/a", "-a", "-f", "-", stdin=b"bc")

    assert images.ok("get", "file", "images@master:/a").out == "abc"


def test_the_commit_is_shown_as_json_and_carries_the_message(images: Cli) -> None:
    done = images.ok(
        "put", "file", "images@master:/z", "-f", "-", "-m", "last", "-o", "json", stdin=b"z"
    )

    assert done.json[0]["message"] == "last"


def test_something_must_be_put(images: Cli) -> None:
    assert images("put", "file", "images@master:/z").code == 2


def test_a_list_names_what_to_put(images: Cli, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    (tmp_path / "list").write_text(f"{tmp_path}/one\n\n{tmp_path}/two\n")

    images.ok("put", "file", "images@master:/n/", "-i", str(tmp_path / "list"))
    missing = images("put", "file", "images@master", "-i", str(tmp_path / "nowhere"))

    files = images.ok("list", "file", "images@master:/n", "-o", "json").json
    assert [file["path"] for file in files] == ["/n/one", "/n/two"]
    assert missing.code == 3
    assert f"there is no list {tmp_path}/nowhere" in missing.err
