"""The laws see what is broken: each is shown a catalog that breaks it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.catalog.values import Counts
from pfs_provider.testing import invariants
from pfs_provider.testing.invariants import CatalogState
from tests.catalog_world import NOBODY, World, repo


@pytest.fixture
def state(tmp_path: Path) -> CatalogState:
    world = World(f"sqlite:///{tmp_path / 'catalog.db'}")
    world.repos("A")
    world.pipeline("P", "A")
    world.land("A")
    world.work()
    world.land("A")
    world.start("A")
    with world.catalog.read() as tx:
        found = invariants.read_state(tx)
    world.catalog.close()
    return found


def _with_commit(state: CatalogState, number: int, **facts: Any) -> CatalogState:
    key = sorted(state.commits, key=str)[number]
    return replace(state, commits={**state.commits, key: replace(state.commits[key], **facts)})


def _with_job(whole: CatalogState, /, **facts: Any) -> CatalogState:
    return replace(whole, jobs=[replace(whole.jobs[0], **facts), *whole.jobs[1:]])


def _with_branches(state: CatalogState, **facts: Any) -> CatalogState:
    return replace(state, branches=[replace(branch, **facts) for branch in state.branches])


BROKEN: list[tuple[str, Callable[[CatalogState], CatalogState]]] = [
    ("check_history_is_linear", lambda s: _with_commit(s, 0, parent=NOBODY)),
    (
        "check_history_is_linear",
        lambda s: _with_commit(s, 0, parent=min(s.commits, key=str)[1]),
    ),
    ("check_history_is_linear", lambda s: _with_branches(s, head=NOBODY)),
    (
        "check_pins_exist",
        lambda s: replace(s, commits={k: c for k, c in s.commits.items() if k[0] != repo("A")}),
    ),
    (
        "check_heads_are_provenant",
        lambda s: replace(s, commits={k: replace(c, provenance=()) for k, c in s.commits.items()}),
    ),
    ("check_open_commits_are_known", lambda s: _with_branches(s, open_commit=None)),
    ("check_open_commits_are_known", lambda s: _with_branches(s, open_commit=NOBODY)),
    ("check_open_commits_are_known", lambda s: replace(s, with_deltas=set(s.commits))),
    ("check_jobs_match_commits", lambda s: _with_job(s, id=NOBODY)),
    ("check_jobs_match_commits", lambda s: replace(s, jobs=[*s.jobs, *s.jobs])),
    ("check_jobs_match_commits", lambda s: _with_job(s, state="success")),
    ("check_jobs_match_commits", lambda s: replace(s, jobs=[])),
    ("check_jobs_run_on_ready_inputs", lambda s: _with_job(s, state="created")),
    ("check_job_counts_add_up", lambda s: _with_job(s, state="success", counts=Counts(total=1))),
    ("check_events_are_numbered", lambda s: replace(s, events=s.events[1:])),
    (
        "check_events_are_numbered",
        lambda s: replace(
            s, events=[*s.events[:-1], replace(s.events[-1], at=s.events[0].at - timedelta(1))]
        ),
    ),
]


def test_a_sound_catalog_passes(state: CatalogState) -> None:
    for law in invariants.CATALOG_LAWS:
        law(state)


@pytest.mark.parametrize(
    ("name", "damage"), BROKEN, ids=[f"{name}-{n}" for n, (name, _) in enumerate(BROKEN)]
)
def test_damage_is_seen(
    state: CatalogState, name: str, damage: Callable[[CatalogState], CatalogState]
) -> None:
    law: Callable[[CatalogState], None] = getattr(invariants, name)

    with pytest.raises(AssertionError):
        law(damage(state))
