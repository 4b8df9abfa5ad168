"""Owners tell whether they still live."""

import subprocess
import sys

import pytest

from pfs_provider.clock import RandomIds
from pfs_provider.jobs.owners import is_dead, new_owner


def test_this_process_lives_and_has_a_new_name_each_time() -> None:
    one, two = new_owner(RandomIds()), new_owner(RandomIds())

    assert one != two
    assert not is_dead(one)


def test_a_process_that_has_ended_is_dead() -> None:
    code = (
        "from pfs_provider.clock import RandomIds; from pfs_provider.jobs.owners import new_owner;"
        "print(new_owner(RandomIds()))"
    )

    name = subprocess.check_output([sys.executable, "-c", code], text=True).strip()

    assert is_dead(name)


def test_a_pid_that_is_used_again_is_another_process() -> None:
    kind, machine, pid, started, tail = new_owner(RandomIds()).split(":")

    assert is_dead(":".join([kind, machine, pid, f"{started}0", tail]))


@pytest.mark.parametrize(
    "owner", ["", "airflow/dag/run/task", "process:elsewhere:1:1:x", "process:a:b:c:d", "process:"]
)
def test_nothing_is_said_of_owners_elsewhere(owner: str) -> None:
    assert not is_dead(owner)
