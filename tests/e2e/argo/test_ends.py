"""What becomes of a job whose workflow is stopped, terminated, deleted or submitted again."""

import time

import pytest

from pfs_provider.infos import RunCommitInfo
from pfs_provider.pfs import Pfs
from pfs_provider.verbs.workflows import BEGIN_LEASE_S
from tests.argo import WAIT_S, Argo
from tests.e2e.argo.test_pipeline import EDGES, put_images

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

LEASE_S = 30


def start(argo: Argo, pfs: Pfs, name: str, line: str, *files: str) -> str:
    """Return the change whose job a new workflow works at."""
    pfs.create_repo("images")
    transform = {**EDGES["transform"], "stdin": [line, *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "transform": transform})
    change = put_images(pfs, *files)
    argo.submit(name, "pfs-pipeline", pipeline="edges", job=change, lease=f"{LEASE_S}")
    argo.wait_for_node(name, "keep", "Running")
    argo.wait_for_node(name, "work(0:0)", "Running")
    argo.wait_for_log("pfs.step=keep", "is kept")
    return change


def wait_until_free(pfs: Pfs, change: str) -> None:
    deadline = time.monotonic() + BEGIN_LEASE_S / 2  # it is kept for a lease, not as at its begin
    while (job := pfs.claim_job("edges", owner="somebody", lease_s=600)) is None:
        assert time.monotonic() < deadline, pfs.inspect_job(f"edges@{change}")
        time.sleep(0.5)
    assert job.id == change


@pytest.mark.parametrize("end", ["terminate", "delete"])
def test_a_workflow_that_is_gone_leaves_its_job_to_others_within_a_lease(
    argo: Argo, pfs: Pfs, end: str
) -> None:
    change = start(argo, pfs, "gone", "sleep 600", "a")

    deadline = time.monotonic() + 2 * LEASE_S
    while time.monotonic() < deadline:  # longer than a lease, and it is kept
        assert pfs.claim_job("edges", owner="somebody", lease_s=600) is None
        time.sleep(1)
    argo.run(end, "gone")
    wait_until_free(pfs, change)

    argo.wait_for_no_pod()


def test_a_stopped_workflow_gives_its_job_back_at_once(argo: Argo, pfs: Pfs) -> None:
    change = start(argo, pfs, "stopped", "sleep 600", "a")

    argo.run("stop", "stopped")
    argo.wait("stopped")

    job = pfs.inspect_job(f"edges@{change}")
    assert job.state == "starting"
    assert "stopped" in job.reason
    argo.wait_for_no_pod()


def test_what_is_resubmitted_goes_on_where_the_first_one_was_stopped(argo: Argo, pfs: Pfs) -> None:
    line = "test -e /pfs/images/a || sleep 60"
    change = start(argo, pfs, "first", line, *"abc")
    deadline = time.monotonic() + WAIT_S
    while pfs.job_progress(f"edges@{change}").processed < 1:
        assert time.monotonic() < deadline, argo.tell(argo.get("first")["status"])
        time.sleep(0.5)

    argo.run("stop", "first")
    argo.wait("first")
    before = set(argo.names())
    argo.run("resubmit", "first")
    (second,) = set(argo.names()) - before
    status = argo.wait(second)

    assert status["phase"] == "Succeeded", argo.tell(status)
    job = pfs.inspect_job(f"edges@{change}")
    assert (job.state, job.processed + job.skipped) == ("success", 3)
    commit = pfs.inspect_commit(f"edges@{change}")
    assert isinstance(commit, RunCommitInfo)
    assert commit.run["workflow"] == second


def test_a_workflow_that_is_done_leaves_nothing_when_it_is_resubmitted(
    argo: Argo, pfs: Pfs
) -> None:
    change = start(argo, pfs, "done", "true", "a")
    argo.wait("done")

    before = set(argo.names())
    argo.run("resubmit", "done")
    (again,) = set(argo.names()) - before
    status = argo.wait(again)

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert [job.id for job in pfs.list_jobs("edges")] == [change]
    argo.wait_for_no_pod()
