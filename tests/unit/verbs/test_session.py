"""What all verbs share: settings, and acts that are tried and then done."""

from pathlib import Path

import pytest

from pfs_provider.catalog import repos
from pfs_provider.errors import ConflictError, NotFoundError, RefusedError
from pfs_provider.refs.names import parse_repo_key
from pfs_provider.verbs.session import Session


def test_a_wrong_setting_is_told_when_it_is_opened(pfs_home: Path) -> None:
    with pytest.raises(RefusedError):
        Session(catalog="nonsense")


def test_an_act_is_done_at_once_or_when_the_transaction_ends(pfs_home: Path) -> None:
    session = Session()
    key = parse_repo_key("in")

    def exists() -> bool:
        with session._versions.catalog.read() as tx:
            return repos.find_repo(tx, key) is not None

    change = session._begin()
    session._act(lambda tx: repos.create_repo(tx, key))
    tried = exists()
    session._end(keep=True)

    assert session._new_id() != change
    assert (tried, exists()) == (False, True)
    session._engine.close()


def test_a_transaction_that_is_dropped_has_done_nothing(pfs_home: Path) -> None:
    session = Session()
    key = parse_repo_key("in")

    session._begin()
    session._act(lambda tx: repos.create_repo(tx, key))
    with pytest.raises(ConflictError):
        session._begin()
    session._end(keep=False)

    with session._versions.catalog.read() as tx, pytest.raises(NotFoundError):
        repos.get_repo(tx, key)
    session._engine.close()
