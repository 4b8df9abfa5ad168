"""Airflow's own home for these tests, set before anything imports Airflow.

pods        a Pods: commits, and tasks that run as Airflow runs them, with the triggerer's part
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.services import StorePlace

# Airflow writes its configuration into its home as soon as it is imported.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="pfs-airflow-cluster-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

pytest.importorskip("airflow.sdk", reason="the extra is not installed: pip install .[airflow]")

from tests.e2e.cluster.airflow.pods import Pods


@pytest.fixture
def pods(
    cluster: Cluster,
    options: dict[str, Any],
    pfs: Pfs,
    pod_store: StorePlace,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Pods:
    extra = {
        "catalog": sqlite_url,
        "store": pod_store.url,
        "s3_access_key": pod_store.options["aws_access_key_id"],
        "s3_secret_key": pod_store.options["aws_secret_access_key"],
    }
    connection = {"conn_type": "pfs", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps(connection))
    return Pods(cluster=cluster, options=options, pfs=pfs)
