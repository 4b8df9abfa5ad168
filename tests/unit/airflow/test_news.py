from pathlib import Path
from typing import Any

import pytest

from pfs_provider.airflow.assets import pfs_asset
from pfs_provider.airflow.news import PROCESSED_KEY, TAKEN_KEY, mark_processed, unprocessed_commits
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context

IMAGES = pfs_asset("images")


@pytest.fixture
def context() -> Any:
    return task_context()


def _put(home: Path, *names: str) -> list[str]:
    ids: list[str] = []
    with Pfs(home=home) as pfs:
        if not pfs.list_repos():
            pfs.create_repo("images")
        for name in names:
            with pfs.commit("images@master") as commit:
                commit.put_file(f"/{name}", b"x")
            ids.append(commit.id)
    return ids


def test_what_landed_since_the_mark_is_given_oldest_first(pfs_home: Path, context: Any) -> None:
    first, second, third = _put(pfs_home, "a", "b", "c")
    assert unprocessed_commits(context, IMAGES) == [first, second, third]

    mark_processed(context, IMAGES, first)

    assert unprocessed_commits(context, IMAGES) == [second, third]


def test_asking_again_gives_the_same_until_it_is_marked(pfs_home: Path, context: Any) -> None:
    _put(pfs_home, "a", "b")

    assert unprocessed_commits(context, IMAGES) == unprocessed_commits(context, IMAGES)


def test_the_trigger_sees_what_was_taken_up_and_processed(pfs_home: Path, context: Any) -> None:
    first, second = _put(pfs_home, "a", "b")

    unprocessed_commits(context, IMAGES)
    mark_processed(context, IMAGES, first)

    assert context["asset_state_store"].values == {TAKEN_KEY: second, PROCESSED_KEY: first}


def test_nothing_new_leaves_the_marks_alone(pfs_home: Path, context: Any) -> None:
    (only,) = _put(pfs_home, "a")
    mark_processed(context, IMAGES, only)

    assert unprocessed_commits(context, IMAGES) == []
    assert TAKEN_KEY not in context["asset_state_store"].values
