import pytest

from pfs_provider.catalog import leases
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import ConflictError


def test_names_are_listed_by_their_beginning_to_the_letter(tx: Tx) -> None:
    for name in ("gc_1", "gcx1", "other"):
        leases.acquire_lease(tx, name, owner="x", lease_s=1)

    assert [lease.name for lease in leases.list_leases(tx)] == ["gc_1", "gcx1", "other"]
    assert [lease.name for lease in leases.list_leases(tx, prefix="gc_")] == ["gc_1"]


def test_what_was_never_held_is_not_renewed(tx: Tx) -> None:
    with pytest.raises(ConflictError):
        leases.renew_lease(tx, "gc", owner="x", lease_s=1)
