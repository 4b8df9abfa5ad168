"""Airflow's own home for these tests, set before anything imports Airflow."""

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Airflow writes its configuration into its home as soon as it is imported.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="pfs-airflow-unit-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

pytest.importorskip("airflow.sdk", reason="the extra is not installed: pip install .[airflow]")


@pytest.fixture(autouse=True)
def pfs_default(pfs_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection, as a variable: no database of Airflow is asked for it."""
    connection = {"conn_type": "pfs", "extra": {"home": str(pfs_home)}}
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps(connection))
