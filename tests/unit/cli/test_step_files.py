from pathlib import Path

from tests.unit.cli.runner import Cli

STAY = ("--namespace", "n", "--workflow", "w", "--uid", "u")


def test_a_commit_is_checked_out_changed_and_committed_with_its_provenance(
    images: Cli, tmp_path: Path
) -> None:
    images.ok("create", "repo", "out")
    folder, told = tmp_path / "data", tmp_path / "o"
    images.ok("step", "checkout", "images@master", str(folder), "--outputs", str(told))
    source = (told / "commit").read_text(encoding="utf-8")
    (folder / "a").write_bytes(b"A")

    for _ in range(2):  # a step that is tried again makes no second commit
        images.ok(
            "step", "commit", "out@master", str(folder), *STAY, "--node", "w.commit",
            "--provenance", source, "--title", "capitals", "--outputs", str(told),
        )  # fmt: skip

    (commit,) = images.ok("list", "commit", "out@master", "-o", "json").json
    assert commit["provenance"] == [source]
    assert commit["message"] == "capitals"
    assert (commit["run"]["workflow"], commit["run"]["node"]) == ("w", "w.commit")
    assert (told / "commit").read_text(encoding="utf-8") == f"default/out@{commit['id']}"
    assert images.ok("get", "file", "out@master:/a").out == "A"


def test_a_commit_replaces_what_was_there_and_keeps_other_folders(
    images: Cli, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "new").write_bytes(b"n")

    images.ok("step", "commit", "images@master:/d", str(folder), *STAY)

    found = images.ok("glob", "file", "images@master:/**", "-o", "json").json
    assert sorted(file["path"] for file in found if file["type"] == "file") == ["/a", "/d/new"]


def test_a_part_of_a_commit_may_be_checked_out(images: Cli, tmp_path: Path) -> None:
    for _ in range(2):  # once more, after a pod that was lost
        images.ok("step", "checkout", "images@master:/d", str(tmp_path / "data"))

    assert [path.name for path in (tmp_path / "data").iterdir()] == ["b"]


def test_a_volume_that_holds_no_such_folder_is_named(images: Cli, tmp_path: Path) -> None:
    message = tmp_path / "message"
    asked = ["images@master", str(tmp_path / "gone"), *STAY, "--message", str(message)]

    done = images("step", "commit", *asked)

    assert done.code == 3
    assert "volume" in message.read_text(encoding="utf-8")
    assert images("step", "checkout", "images@gone", str(tmp_path / "x")).code == 3
