"""The examples deferred and transaction: how many jobs some commits cause."""

from pydoc_data.topics import topics

from tests.examples.home import Home

NAMES = ("break", "continue", "pass")


def _put(home: Home, branch: str, name: str) -> None:
    home.put(branch, {f"/{name}": topics[name].encode()})


def test_commits_wait_on_another_branch_until_the_one_that_is_read_moves(home: Home) -> None:
    home.create("deferred", "texts")

    for name in NAMES:
        _put(home, "texts@staging", name)
    before = home.run()
    home.pfs.create_branch("texts@master", head="texts@staging")
    after = home.run()

    found = {path: int(data) for path, data in home.read("lines@master").items()}
    assert (before, after) == ({}, {"lines": "3 + 0 / 3"})
    assert found == {f"/{name}": topics[name].encode().count(b"\n") for name in NAMES}


def test_two_commits_of_one_transaction_cause_one_job(home: Home) -> None:
    home.create("transaction", "texts", "words")

    with home.pfs.transaction():
        _put(home, "texts@master", "break")
        home.put("words@master", {"/loop": b"loop\n"})
    jobs = home.run()

    lines = topics["break"].lower().replace("-", " ").splitlines()
    words = ["".join(c if c.isalnum() else " " for c in line).split() for line in lines]
    assert jobs == {"found": "1 + 0 / 1"}
    assert int(home.read("found@master")["/loop-break"]) == sum("loop" in line for line in words)
