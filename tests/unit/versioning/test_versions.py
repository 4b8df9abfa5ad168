"""The handle of the room."""

from dataclasses import FrozenInstanceError

import pytest

from tests.pfs_world import PfsWorld


def test_the_handle_joins_what_belongs_together_and_never_changes(world: PfsWorld) -> None:
    versions = world.versions

    with pytest.raises(FrozenInstanceError):
        versions.catalog = versions.catalog  # type: ignore[misc] # that is the test
    assert versions.ids.new_id() != versions.ids.new_id()
    assert versions.clock.now().tzinfo is not None
