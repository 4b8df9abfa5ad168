"""What needs Airflow: its home is the one that tests/conftest.py gives every run."""

import json
from pathlib import Path

import pytest

pytest.importorskip("airflow.sdk", reason="the extra is not installed: pip install .[airflow]")


@pytest.fixture(autouse=True)
def pfs_default(pfs_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection, as a variable: no database of Airflow is asked for it."""
    connection = {"conn_type": "pfs", "extra": {"home": str(pfs_home)}}
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps(connection))
