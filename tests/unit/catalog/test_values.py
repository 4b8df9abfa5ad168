import dataclasses

import pytest

from pfs_provider.catalog.values import Branch, CommitPin, Counts, Trigger
from tests.catalog_world import NOBODY, at


def test_values_are_frozen_and_small() -> None:
    counts = Counts()

    with pytest.raises(dataclasses.FrozenInstanceError):
        counts.total = 1  # type: ignore[misc] # that is the point
    assert not hasattr(counts, "__dict__")


def test_a_branch_shows_full_names() -> None:
    branch = Branch(
        key=at("A"),
        head=None,
        open_commit=None,
        provenance=(at("B@raw"),),
        trigger=Trigger(branch="staging", commits=2),
    )

    info = branch.info()

    assert (info.project, info.repo, info.name, info.head) == ("default", "A", "master", None)
    assert info.provenance == ("default/B@raw",)
    assert info.trigger is not None
    assert (info.trigger["branch"], info.trigger["commits"]) == ("staging", 2)


def test_counts_are_complete_when_they_add_up() -> None:
    assert Counts().is_complete
    assert Counts(total=4, processed=1, skipped=1, recovered=1, failed=1).is_complete
    assert not Counts(total=4, processed=1).is_complete


def test_a_pin_names_a_commit_in_full() -> None:
    assert CommitPin(branch=at("A"), id=NOBODY).full == f"default/A@{NOBODY}"
