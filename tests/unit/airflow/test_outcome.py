from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.airflow.outcome import end_of_task, ended_jobs, start_of_task
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import TaskInstance, task_context
from tests.unit.airflow.test_checks import copy_spec


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        opened.create_pipeline(copy_spec())
        yield opened


def _stopped_job(pfs: Pfs, name: str) -> str:
    with pfs.commit("images@master") as commit:
        commit.put_file(f"/{name}", b"x")
    pfs.stop_job(f"copy@{commit.id}")
    return commit.id


def test_jobs_that_ended_since_the_start_are_found_in_order(pfs: Pfs) -> None:
    _stopped_job(pfs, "before")
    since = start_of_task(task_context(), pfs)

    during = [_stopped_job(pfs, "a"), _stopped_job(pfs, "b")]

    assert [job.id for job in ended_jobs(pfs, "copy", since)] == during
    assert ended_jobs(pfs, "other", since) == []


def test_a_retry_starts_where_the_first_try_did(pfs: Pfs) -> None:
    context = task_context()
    first = start_of_task(context, pfs)
    _stopped_job(pfs, "a")

    assert start_of_task(context, pfs) == first


def test_a_task_that_is_started_again_by_hand_starts_anew(pfs: Pfs) -> None:
    context = task_context()
    first = start_of_task(context, pfs)
    _stopped_job(pfs, "a")
    end_of_task(context)

    context["ti"] = TaskInstance(try_number=2, max_tries=3)

    again = start_of_task(context, pfs)
    assert again > first
    assert start_of_task(context, pfs) == again


def test_a_retry_of_what_had_ended_gives_what_it_gave(pfs: Pfs) -> None:
    context = task_context()
    first = start_of_task(context, pfs)
    _stopped_job(pfs, "a")
    end_of_task(context)

    context["ti"] = TaskInstance(try_number=2)

    assert start_of_task(context, pfs) == first
