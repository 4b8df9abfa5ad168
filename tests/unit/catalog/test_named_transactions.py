import pytest

from pfs_provider.catalog import named_transactions
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import NotFoundError
from tests.catalog_world import NOBODY


def test_requests_come_back_as_they_were(tx: Tx) -> None:
    named_transactions.create_transaction(tx, NOBODY)

    found = named_transactions.add_request(tx, NOBODY, {"deep": {"list": [1, None, "ä"]}})

    assert found.requests == ({"deep": {"list": [1, None, "ä"]}},)
    assert found.started == tx.now


def test_an_unknown_transaction_is_not_found(tx: Tx) -> None:
    with pytest.raises(NotFoundError):
        named_transactions.add_request(tx, NOBODY, {})
    with pytest.raises(NotFoundError):
        named_transactions.delete_transaction(tx, NOBODY)
