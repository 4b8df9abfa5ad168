"""The examples deferred and transaction: how many jobs some commits cause."""

from pathlib import Path
from pydoc_data.topics import topics

from pfs_provider import Pfs

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NAMES = ("break", "continue", "pass")


def _put(pfs: Pfs, branch: str, name: str) -> None:
    with pfs.commit(branch) as commit:
        commit.put_file(f"/{name}", topics[name].encode())


def test_commits_wait_on_another_branch_until_the_one_that_is_read_moves(tmp_path: Path) -> None:
    with Pfs(home=tmp_path) as pfs:
        pfs.create_repo("texts")
        pfs.create_pipeline(EXAMPLES / "deferred" / "pipeline.yaml")
        for name in NAMES:
            _put(pfs, "texts@staging", name)
        before = pfs.run()
        pfs.create_branch("texts@master", head="texts@staging")
        (job,) = pfs.run()
        found = {name: int(pfs.read_file(f"lines@master:/{name}")) for name in NAMES}

    assert before == []
    assert (job.state, job.processed, job.total) == ("success", 3, 3)
    assert found == {name: topics[name].encode().count(b"\n") for name in NAMES}


def test_two_commits_of_one_transaction_cause_one_job(tmp_path: Path) -> None:
    with Pfs(home=tmp_path) as pfs:
        for repo in ("texts", "words"):
            pfs.create_repo(repo)
        pfs.create_pipeline(EXAMPLES / "transaction" / "pipeline.yaml")
        with pfs.transaction():
            _put(pfs, "texts@master", "break")
            with pfs.commit("words@master") as commit:
                commit.put_file("/loop", b"loop\n")
        jobs = pfs.run()
        found = int(pfs.read_file("found@master:/loop-break"))

    lines = topics["break"].lower().replace("-", " ").splitlines()
    words = ["".join(c if c.isalnum() else " " for c in line).split() for line in lines]
    assert [(job.state, job.total) for job in jobs] == [("success", 1)]
    assert found == sum("loop" in line for line in words)
