"""States of jobs that somebody works on or could."""

from typing import get_args

from pfs_provider.catalog.values import JobState
from pfs_provider.jobs.states import ACTIVE


def test_active_states_are_those_between_waiting_and_the_end() -> None:
    ends = {"success", "failure", "killed", "unrunnable"}

    assert set(ACTIVE) == set(get_args(JobState)) - ends - {"created"}
