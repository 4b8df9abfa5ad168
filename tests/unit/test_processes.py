"""A process is known again by its machine and its start, not by its pid alone."""

import os
import subprocess
import sys

from pfs_provider.processes import name_machine, start_of


def test_a_machine_has_one_name_that_parts_of_a_name_can_be_put_behind() -> None:
    code = "from pfs_provider.processes import name_machine as name; print(name())"
    told = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert told.strip() == name_machine() != ""
    assert "/" not in name_machine()
    assert ":" not in name_machine()


def test_a_process_keeps_its_start_and_an_ended_one_has_none() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        assert start_of(child.pid) == start_of(child.pid) != ""
        assert start_of(os.getpid()) != ""
        child.kill()

    assert start_of(child.pid) == ""
