from tests.unit.cli.runner import Cli


def test_declared_provenance_is_found_in_both_directions(images: Cli) -> None:
    images.ok("create", "repo", "copies")
    images.ok("start", "commit", "copies@master", "--provenance", "images@master")
    images.ok("finish", "commit", "copies@master")

    up = images.ok("provenance", "copies@master", "-o", "json").json
    down = images.ok("subvenance", "images@master", "-o", "json").json

    assert [commit["repo"] for commit in up] == ["images"]
    assert [commit["repo"] for commit in down] == ["copies"]


def test_a_file_that_a_user_put_comes_from_nothing(images: Cli) -> None:
    assert images.ok("provenance", "images@master:/a").out == ""
    assert images("provenance", "images@master:/none").code == 3
