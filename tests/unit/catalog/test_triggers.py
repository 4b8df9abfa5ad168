import pytest

from pfs_provider.catalog.triggers import parse_size
from pfs_provider.catalog.values import Trigger
from pfs_provider.errors import RefusedError
from tests.catalog_world import World


@pytest.mark.parametrize(
    ("text", "size"),
    [("10", 10), ("1K", 1000), ("1k", 1000), ("1KiB", 1024), ("2.5MB", 2_500_000), ("1 Gi", 2**30)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1K", "1X", "many"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_size(text)


def test_a_trigger_is_replaced_or_cleared(world: World) -> None:
    world.branch("A", trigger=Trigger(branch="staging", commits=1))

    assert world.branch("A", trigger=Trigger(branch="staging", size="1K")).trigger == Trigger(
        branch="staging", size="1K"
    )
    assert world.branch("A").trigger is None
