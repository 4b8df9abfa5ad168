from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.airflow.landings import commits_between, landings_since
from pfs_provider.errors import NotFoundError
from pfs_provider.pfs import Pfs
from pfs_provider.refs.addresses import parse_branch
from tests.unit.airflow.test_checks import copy_spec

IMAGES = parse_branch("images@master")


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        yield opened


def _put(pfs: Pfs, *names: str) -> list[str]:
    return [pfs.put_file(f"images@master:/{name}", b"x").id for name in names]


def test_what_landed_is_given_once_and_the_cursor_is_behind_it(pfs: Pfs) -> None:
    commits = _put(pfs, "a", "b")

    found = landings_since(pfs, IMAGES, 0, stop_at=100)

    assert [commit.id for commit in found.commits] == commits
    assert (found.cursor, found.is_all) == (pfs.last_event_number(), True)
    assert landings_since(pfs, IMAGES, found.cursor, stop_at=100).commits == ()


def test_an_output_branch_counts_when_its_job_has_ended_well(pfs: Pfs) -> None:
    pfs.create_pipeline(copy_spec())
    (commit,) = _put(pfs, "a")
    before = landings_since(pfs, parse_branch("copy@master"), 0, stop_at=100)

    pfs.run()

    after = landings_since(pfs, parse_branch("copy@master"), before.cursor, stop_at=100)
    assert before.commits == ()
    assert [found.id for found in after.commits] == [commit]


def test_history_is_cut_by_its_first_and_last_commit(pfs: Pfs) -> None:
    a, b, c = _put(pfs, "a", "b", "c")

    def ids(**bounds: str) -> list[str]:
        return [commit.id for commit in commits_between(pfs, IMAGES, **bounds)]

    assert ids() == [a, b, c]
    assert ids(since=b) == [b, c]
    assert ids(until=b) == [a, b]
    assert ids(since=b, until=b) == [b]


def test_a_bound_that_is_not_there_is_an_error(pfs: Pfs) -> None:
    _put(pfs, "a")

    with pytest.raises(NotFoundError, match="f" * 32):
        commits_between(pfs, IMAGES, until="f" * 32)
