from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, NotFoundError
from pfs_provider.pfs import Pfs
from pfs_provider.verbs.transactions import RECORDED


@pytest.fixture
def pfs(tmp_path: Path) -> Iterator[Pfs]:
    with Pfs(home=tmp_path / "home") as opened:
        yield opened


def test_every_recorded_verb_is_one_of_the_facade() -> None:
    assert all(callable(getattr(Pfs, verb)) for verb in RECORDED)


def test_requests_happen_when_it_is_finished_and_only_once(pfs: Pfs) -> None:
    started = pfs.start_transaction()
    record = pfs.record(started.id)

    record.create_repo("images")
    commit = record.start_commit("images@master")

    assert pfs.list_repos() == []
    assert commit.id == started.id  # type: ignore[attr-defined] # the verb's own value
    assert len(pfs.finish_transaction(started.id).requests) == 2
    with pytest.raises(NotFoundError):
        pfs.finish_transaction(started.id)


def test_a_request_that_fails_is_not_kept(pfs: Pfs) -> None:
    started = pfs.start_transaction()

    with pytest.raises(NotFoundError):
        pfs.record(started.id).create_branch("nope@master")

    assert pfs.inspect_transaction(started.id).requests == ()


def test_what_has_become_impossible_leaves_all_as_it_was(pfs: Pfs) -> None:
    started = pfs.start_transaction()
    record = pfs.record(started.id)
    record.create_repo("one")
    record.create_repo("two")
    pfs.create_repo("two")

    with pytest.raises(ConflictError):
        pfs.finish_transaction(started.id)

    assert [repo.name for repo in pfs.list_repos()] == ["two"]
    assert [kept.id for kept in pfs.list_transactions()] == [started.id]


def test_files_are_no_part_of_it(pfs: Pfs) -> None:
    started = pfs.start_transaction()

    with pytest.raises(ConflictError, match="put file cannot be part"):
        pfs.record(started.id).put_file("images@master:/a", b"a")


def test_a_deleted_one_is_gone(pfs: Pfs) -> None:
    started = pfs.start_transaction()

    pfs.delete_transaction(started.id)

    with pytest.raises(NotFoundError):
        pfs.record(started.id)
