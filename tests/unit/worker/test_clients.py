"""What makes a spout's command a client."""

from pathlib import Path

import pytest

from pfs_provider.worker.clients import client_variables


def test_the_command_finds_what_its_worker_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_HOME", str(tmp_path))
    monkeypatch.setenv("PFS_CATALOG", "postgresql+psycopg://h/d")
    monkeypatch.setenv("PFS_STORE", "s3://bucket/x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")

    found = client_variables()

    assert found["PFS_CATALOG"] == "postgresql+psycopg://h/d"
    assert found["PFS_STORE"] == "s3://bucket/x"
    assert found["AWS_ACCESS_KEY_ID"] == "key"
    assert found["PFS_HOME"] == str(tmp_path)
