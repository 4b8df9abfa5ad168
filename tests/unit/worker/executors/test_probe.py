import errno
import os
import sys

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.client import Greeting
from pfs_provider.worker.executors.probe import explain, probe
from tests.contract.executors import FORBID


@pytest.mark.parametrize("kind", ["root", "user"])
def test_what_works_is_said_with_whose_power(kind: str) -> None:
    ability = explain(Greeting(kind=kind))

    assert ability.is_isolated
    assert ability.kind == kind
    assert "of its own" in ability.sentence


def test_a_refusal_names_the_step_the_reason_and_a_way_out() -> None:
    ability = explain(Greeting(step="make a user namespace", errno=errno.EPERM))

    assert not ability.is_isolated
    assert f"make a user namespace: {os.strerror(errno.EPERM)}" in ability.sentence
    assert "Way out: " in ability.sentence


def test_an_old_kernel_is_told_which_one_is_needed() -> None:
    assert "Linux 5.2" in explain(Greeting(step="open /", errno=errno.ENOSYS)).sentence


def test_a_spawner_that_says_nothing_is_explained() -> None:
    assert "without a word" in explain(Greeting(step="start the spawner")).sentence


def test_a_machine_that_forbids_namespaces_is_found_out_by_trying() -> None:
    ability = probe(clock=SystemClock(), prefix=(sys.executable, str(FORBID)))

    assert ability.kind == "none"
    assert "Operation not permitted" in ability.sentence


def test_a_python_that_does_not_exist_is_found_out() -> None:
    ability = probe(clock=SystemClock(), python="/no/such/python")

    assert ability.kind == "none"
    assert "No such file" in ability.sentence
