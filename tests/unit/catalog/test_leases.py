import pytest

from pfs_provider.catalog import leases
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import ConflictError


def test_what_was_never_held_is_not_renewed(tx: Tx) -> None:
    with pytest.raises(ConflictError):
        leases.renew_lease(tx, "gc", owner="x", lease_s=1)
