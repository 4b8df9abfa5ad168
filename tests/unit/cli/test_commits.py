from tests.unit.cli.runner import Cli


def test_a_commit_is_started_filled_and_finished(images: Cli) -> None:
    started = images.ok("start", "commit", "images@master", "-m", "more").out.strip()
    images.ok("put", "file", "images@master:/c", "-f", "-", stdin=b"ccc")
    before = images.ok("inspect", "commit", f"images@{started}", "-o", "json").json[0]

    finished = images.ok("finish", "commit", "images@master").out.strip()

    after = images.ok("inspect", "commit", "images@master", "-o", "json").json[0]
    assert started == finished == after["id"]
    assert (before["state"], after["state"]) == ("open", "finished")
    assert (after["message"], after["size"]) == ("more", 6)


def test_one_branch_has_one_open_commit(images: Cli) -> None:
    images.ok("start", "commit", "images@master")

    assert images("start", "commit", "images@master").code == 4


def test_finishing_with_an_error_makes_waiting_fail(images: Cli) -> None:
    images.ok("start", "commit", "images@master")
    ref = images.ok("finish", "commit", "images@master", "--error", "spoilt", "-o", "json")

    done = images("wait", "commit", f"images@{ref.json[0]['id']}")

    assert done.code == 1
    assert "spoilt" in done.err
    assert "[job-failed]" in done.err


def test_commits_are_listed_newest_first(images: Cli) -> None:
    images.ok("put", "file", "images@master:/c", "-f", "-", stdin=b"c")

    by_repo = images.ok("list", "commit", "images", "-o", "json").json
    by_branch = images.ok("list", "commit", "images@master", "-n", "1", "-o", "json").json
    by_change = images.ok("list", "commit", by_repo[1]["id"], "-o", "json").json
    in_all = images.ok("list", "commit", "-o", "json").json

    assert [commit["size"] for commit in by_repo] == [4, 3]
    assert by_branch == by_repo[:1]
    assert by_change == by_repo[1:]
    assert in_all == by_repo


def test_without_a_repo_there_is_a_line_for_each_change(images: Cli) -> None:
    lines = images.ok("list", "commit").out.splitlines()

    assert lines[0].split() == ["ID", "SUBCOMMITS", "PROGRESS", "CREATED", "MODIFIED"]
    assert len(lines) == 2


def test_the_commits_that_changed_a_path_are_found(images: Cli) -> None:
    images.ok("put", "file", "images@master:/c", "-f", "-", stdin=b"c")

    found = images.ok("find", "commit", "images@master:/a", "-o", "json").json

    assert [commit["size"] for commit in found] == [3]


def test_a_deleted_commit_takes_its_data_along(images: Cli) -> None:
    new = images.ok("put", "file", "images@master:/c", "-f", "-", "-o", "json", stdin=b"c").json[0]

    images.ok("delete", "commit", new["id"])

    assert images("inspect", "file", "images@master:/c").code == 3
    assert images.ok("get", "file", "images@master:/a").out == "a"


def test_a_squashed_commit_leaves_its_data(images: Cli) -> None:
    old = images.ok("inspect", "commit", "images@master", "-o", "json").json[0]["id"]
    images.ok("put", "file", "images@master:/c", "-f", "-", stdin=b"c")

    images.ok("squash", "commit", old)

    assert images("inspect", "commit", f"images@{old}").code == 3
    assert images.ok("get", "file", "images@master:/a").out == "a"


def test_waiting_ends_after_the_time_given(images: Cli) -> None:
    images.ok("start", "commit", "images@master")
    ref = images.ok("list", "commit", "images", "-n", "1", "-o", "json").json[0]["id"]

    done = images("wait", "commit", f"images@{ref}", "--timeout", "0")

    assert done.code == 1
    assert "[timed-out]" in done.err
