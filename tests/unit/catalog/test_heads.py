import pytest

from pfs_provider.catalog.heads import find_branch_row, insert_branch, move_head, set_open_commit
from pfs_provider.catalog.transaction import Moved
from pfs_provider.errors import ConflictError
from tests.catalog_world import NOBODY, World, at


def test_a_head_moves_from_where_it_is_expected_alone(world: World) -> None:
    with world.catalog.read() as tx:  # nothing in it is kept
        insert_branch(tx, at("A"))
        move_head(tx, at("A"), old=None, new=NOBODY, change=NOBODY)
        with pytest.raises(ConflictError, match="moved away"):
            move_head(tx, at("A"), old=None, new=NOBODY, change=NOBODY)
        set_open_commit(tx, at("A"), NOBODY)
        row = find_branch_row(tx, at("A"))

        assert row is not None
        assert (row.head, row.open_commit) == (NOBODY, NOBODY)
        assert tx.moved == [Moved(at("A").full, NOBODY)]
