from pathlib import Path

import pytest

from pfs_provider.cli.session import (
    enter_transaction,
    find_transaction,
    leave_transaction,
    open_acts,
    open_pfs,
)
from pfs_provider.errors import NotFoundError


def test_a_transaction_is_remembered_for_one_catalog(
    pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_transaction() is None

    enter_transaction("1" * 32)

    assert find_transaction() == "1" * 32
    monkeypatch.setenv("PFS_CATALOG", f"sqlite:///{pfs_home / 'other.db'}")
    assert find_transaction() is None
    monkeypatch.delenv("PFS_CATALOG")
    leave_transaction()
    leave_transaction()
    assert find_transaction() is None


def test_who_is_in_a_transaction_that_is_gone_gets_out(pfs_home: Path) -> None:
    enter_transaction("1" * 32)

    with pytest.raises(NotFoundError, match="repeat the command"), open_acts():
        pass

    assert find_transaction() is None


def test_outside_a_transaction_acts_happen_at_once(pfs_home: Path) -> None:
    with open_acts() as pfs:
        pfs.create_repo("images")

    with open_pfs() as pfs:
        assert [repo.name for repo in pfs.list_repos()] == ["images"]
