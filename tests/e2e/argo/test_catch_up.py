"""What no event has started is run by the clock: the CronWorkflow under a real Argo."""

import copy
import json
import time

import pytest

from pfs_provider.argo.access import build_catch_up
from pfs_provider.pfs import Pfs
from tests.argo import WAIT_S, Argo
from tests.e2e.argo.test_pipeline import EDGES, MONTAGE, put_images

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]


def test_the_clock_runs_what_nobody_was_told_of_and_then_finds_nothing(
    argo: Argo, pfs: Pfs
) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline([EDGES, MONTAGE])
    put_images(pfs, "a", "b")
    catch_up = copy.deepcopy(build_catch_up())
    catch_up["spec"]["schedules"] = ["* * * * *"]  # as often as it can be
    argo.cluster.kubectl("create", "-n", argo.namespace, "-f", "-", given=json.dumps(catch_up))

    first, *_ = wait_for_names(argo, 1)
    status = argo.wait(first)
    done = {job.pipeline: job.state for job in pfs.list_jobs()}
    (second,) = set(wait_for_names(argo, 2)) - {first}
    again = argo.wait(second)

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert done == {"edges": "success", "montage": "success"}
    assert pfs.read_file("montage@master:/all") == b"A\nB\n"
    assert again["phase"] == "Succeeded", argo.tell(again)
    ran = {node["displayName"].partition("(")[0] for node in again["nodes"].values()}
    assert "begin" not in ran
    assert len(list(pfs.list_jobs())) == 2


def wait_for_names(argo: Argo, count: int) -> list[str]:
    """Return the names of workflows when there are so many."""
    deadline = time.monotonic() + WAIT_S
    while len(names := argo.names()) < count:
        assert time.monotonic() < deadline, names
        time.sleep(1)
    return names
