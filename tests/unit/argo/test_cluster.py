from pathlib import Path

import pytest

from pfs_provider.argo.cluster import ClusterSubmitter
from pfs_provider.argo.submission import Template, render_workflow
from pfs_provider.clock import SystemClock
from pfs_provider.errors import ConflictError
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.client import open_client
from pfs_provider.k8s.cluster import Cluster
from tests.kube_api import NAMESPACE, kube_api

JOB = parse_job_ref("edges@" + "ab" * 16)


def test_a_workflow_is_made_once(tmp_path: Path) -> None:
    workflow = render_workflow(Template(name="pfs-pipeline"), JOB)
    with kube_api() as api:
        cluster = Cluster(
            namespace=NAMESPACE, worker_image="-", kubeconfig=api.kubeconfig(tmp_path)
        )
        submitter = ClusterSubmitter(open_client(cluster, SystemClock()))

        submitter.submit(workflow)
        with pytest.raises(ConflictError):
            submitter.submit(workflow)

        assert api.only("workflows")["metadata"]["name"] == workflow["metadata"]["name"]
        submitter.client.close()
