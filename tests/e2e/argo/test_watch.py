"""A commit becomes a workflow through ``pfs watch``, once, however often it is told."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pfs_provider.argo.names import job_workflow_name
from pfs_provider.pfs import Pfs
from pfs_provider.refs.names import PipelineKey
from tests.argo import WAIT_S, Argo
from tests.e2e.argo.test_pipeline import EDGES, MONTAGE, put_images
from tests.services import StorePlace

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]


@contextmanager
def watching(argo: Argo, catalog: str, store: StorePlace, *more: str) -> Iterator[None]:
    environment = os.environ | {name.upper(): value for name, value in store.options.items()}
    environment |= {"PFS_CATALOG": catalog, "PFS_STORE": store.url}
    environment |= {"KUBECONFIG": str(argo.cluster.kubeconfig)}
    command = [sys.executable, "-m", "pfs_provider.cli", "watch", "--namespace", argo.namespace]
    with subprocess.Popen([*command, *more], env=environment) as process:
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 143


def wait_for_names(argo: Argo, names: list[str]) -> None:
    deadline = time.monotonic() + WAIT_S
    while argo.names() != sorted(names):
        assert time.monotonic() < deadline, argo.names()
        time.sleep(0.5)


def test_commits_run_all_that_is_downstream_and_a_doubled_event_nothing_more(
    argo: Argo, pfs: Pfs, postgres_url: str, pod_store: StorePlace
) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline([EDGES, MONTAGE])
    name = job_workflow_name
    with watching(argo, postgres_url, pod_store):
        first = put_images(pfs, "a", "b")
        keys = [PipelineKey("default", pipeline) for pipeline in ("edges", "montage")]
        wanted = [name(key, first) for key in keys]
        wait_for_names(argo, wanted)
        statuses = [argo.wait(workflow) for workflow in wanted]
    second = put_images(pfs, "c")  # while nobody watches
    wanted += [name(keys[0], second)]
    # Two at once, of different names, so that both are at work and tell of the same job.
    with (
        watching(argo, postgres_url, pod_store, "--name", "one"),
        watching(argo, postgres_url, pod_store, "--name", "two"),
    ):
        wanted += [name(keys[1], second)]
        wait_for_names(argo, wanted)
        statuses += [argo.wait(workflow) for workflow in wanted[2:]]

    assert [status["phase"] for status in statuses] == ["Succeeded"] * 4
    assert pfs.read_file("montage@master:/all") == b"A\nB\nC\n"
    assert [job.state for job in pfs.list_jobs()] == ["success"] * 4
    labels = argo.get(wanted[2])["metadata"]["labels"]
    assert (labels["pfs.job"], labels["pfs.pipeline"]) == (second, "edges")
