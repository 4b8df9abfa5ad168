from tests.unit.cli.runner import Cli


def test_a_branch_points_where_it_is_told(images: Cli) -> None:
    head = images.ok("inspect", "commit", "images@master", "-o", "json").json[0]["id"]

    made = images.ok("create", "branch", "images@v1", "--head", "images@master", "-o", "json")

    assert made.json[0]["head"] == head
    assert images.ok("inspect", "branch", "images@v1", "-o", "json").json == made.json


def test_branches_are_listed_with_their_triggers(images: Cli) -> None:
    images.ok(
        "create", "branch", "images@slow", "--trigger", "master", "--trigger-commits", "2",
        "--trigger-size", "1K", "--trigger-all",
    )  # fmt: skip

    lines = images.ok("list", "branch", "images").out.splitlines()

    assert lines[0].split() == ["BRANCH", "HEAD", "TRIGGER"]
    assert lines[2].split() == ["slow", "-", "master", "on", "size=1K,", "commits=2,", "all=True"]


def test_trigger_rules_need_a_branch_to_follow(images: Cli) -> None:
    done = images("create", "branch", "images@slow", "--trigger-commits", "2")

    assert done.code == 2
    assert "--trigger BRANCH" in done.err


def test_provenance_is_set_and_cleared(images: Cli) -> None:
    images.ok("create", "repo", "copies")

    one = images.ok("create", "branch", "copies@master", "-p", "images@master", "-o", "json")
    two = images.ok("create", "branch", "copies@master", "-o", "json")

    assert one.json[0]["provenance"] == ["default/images@master"]
    assert two.json[0]["provenance"] == []


def test_a_deleted_branch_is_gone(images: Cli) -> None:
    images.ok("delete", "branch", "images@master")

    assert images("inspect", "branch", "images@master").code == 3
