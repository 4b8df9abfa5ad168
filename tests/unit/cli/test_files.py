from tests.unit.cli.runner import Cli


def names(done: list[dict[str, object]]) -> list[object]:
    return [file["path"] for file in done]


def test_a_directory_is_listed_with_sizes(images: Cli) -> None:
    lines = images.ok("list", "file", "images@master").out.splitlines()

    assert [line.split() for line in lines] == [["SIZE", "NAME"], ["1B", "/a"], ["2B", "/d/"]]


def test_a_pattern_finds_files_at_any_depth(images: Cli) -> None:
    deep = images.ok("glob", "file", "images@master:/**", "-o", "json").json
    flat = images.ok("glob", "file", "images@master:/*", "-o", "json").json

    assert names(deep) == ["/a", "/d/b"]
    assert names(flat) == ["/a", "/d/"]


def test_a_pattern_must_be_there(images: Cli) -> None:
    done = images("glob", "file", "images@master")

    assert done.code == 2
    assert "images@master" in done.err


def test_a_file_is_inspected(images: Cli) -> None:
    found = images.ok("inspect", "file", "images@master:/d", "-o", "json").json[0]

    assert (found["path"], found["type"], found["size"]) == ("/d/", "dir", 2)


def test_a_deleted_file_is_gone_in_one_new_commit(images: Cli) -> None:
    images.ok("delete", "file", "images@master:/a", "-m", "away")

    assert names(images.ok("list", "file", "images@master", "-o", "json").json) == ["/d/"]
    assert (
        images.ok("list", "commit", "images", "-n", "1", "-o", "json").json[0]["message"] == "away"
    )


def test_a_copy_crosses_repos(images: Cli) -> None:
    images.ok("create", "repo", "other")

    images.ok("copy", "file", "images@master:/d", "other@master:/e")

    assert images.ok("get", "file", "other@master:/e/b").out == "bb"


def test_the_difference_to_the_parent_is_shown(images: Cli) -> None:
    images.ok("put", "file", "images@master:/a", "-f", "-", stdin=b"aaa")
    images.ok("delete", "file", "images@master:/d/b")

    done = images.ok("diff", "file", "images@master", "images@master^^", "-o", "json").json
    text = images.ok("diff", "file", "images@master").out.splitlines()

    assert [(one["op"], one["path"]) for one in done] == [("modified", "/a"), ("deleted", "/d/b")]
    assert [line.split() for line in text] == [["OP", "SIZE", "NAME"], ["-", "2B", "/d/b"]]
