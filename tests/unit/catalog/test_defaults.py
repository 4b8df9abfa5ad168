import pytest

from pfs_provider.catalog.defaults import find_defaults, set_defaults
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import NotFoundError


def test_defaults_are_set_replaced_and_removed(tx: Tx) -> None:
    assert find_defaults(tx, None) is None

    set_defaults(tx, None, "all")
    set_defaults(tx, "default", "one")
    set_defaults(tx, "default", "other")
    assert (find_defaults(tx, None), find_defaults(tx, "default")) == ("all", "other")

    set_defaults(tx, None, None)
    assert (find_defaults(tx, None), find_defaults(tx, "default")) == (None, "other")


def test_a_project_that_is_not_there_has_none_and_gets_none(tx: Tx) -> None:
    assert find_defaults(tx, "lab") is None
    with pytest.raises(NotFoundError):
        set_defaults(tx, "lab", "x")
