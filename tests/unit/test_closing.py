"""Blocks that let go of what they have."""

import pytest

from pfs_provider.closing import Closing


class Door(Closing):
    is_open = True

    def close(self) -> None:
        self.is_open = False


def test_it_is_open_in_the_block_and_closed_afterwards() -> None:
    with Door() as door:
        assert door.is_open
    assert not door.is_open


def test_it_is_closed_by_an_error_that_goes_on() -> None:
    door = Door()
    with pytest.raises(KeyError), door:
        raise KeyError
    assert not door.is_open


def test_what_cannot_be_closed_is_no_such_thing() -> None:
    with pytest.raises(TypeError, match="close"):
        type("Wall", (Closing,), {})()
