"""A task sleeps while its pods work, and the catalog's server is restarted under it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.cluster_jobs import WAIT_S, wait_for
from tests.e2e.cluster.airflow.pods import Pods
from tests.services import StorePlace
from tests.unit.airflow.contexts import task_context

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(900),
]


def test_a_postgresql_that_restarts_while_a_task_sleeps_only_costs_time(
    cluster: Cluster,
    options: dict[str, Any],
    pod_store: StorePlace,
    own_postgres: tuple[str, Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, restart = own_postgres
    extra = {
        "catalog": url,
        "store": pod_store.url,
        "s3_access_key": pod_store.options["aws_access_key_id"],
        "s3_secret_key": pod_store.options["aws_secret_access_key"],
    }
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps({"conn_type": "pfs", "extra": extra}))
    with Pfs(catalog=url, store=pod_store.url, store_options=pod_store.options) as pfs:
        pods = Pods(cluster=cluster, options=options, pfs=pfs)
        pods.create("sleep 2; cp -r /pfs/images/. /pfs/out/", parallelism_spec={"constant": 2})
        job = pods.put(8)
        context = task_context()
        deferred = pods.defer(context)
        (before,) = pods.jobs()

        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(pods.resume, deferred, context)
            wait_for(lambda: [pod for pod in pods.pods() if pod["status"]["phase"] == "Running"])
            restart()
            assert result.result(WAIT_S) == [f"default/copy@{job}"]

        info = pfs.inspect_job(f"copy@{job}")
        assert (info.state, info.processed, info.total) == ("success", 8, 8)
        uids = [each["metadata"]["uid"] for each in pods.jobs()]
        assert uids in ([], [before["metadata"]["uid"]])
        assert len(pfs.list_jobs("copy")) == 1
