import asyncio
import json
from pathlib import Path

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from pfs_provider.airflow.hook import PfsHook, connection_settings
from pfs_provider.pfs import Pfs


def _connect(monkeypatch: pytest.MonkeyPatch, name: str, **extra: str) -> None:
    value = json.dumps({"conn_type": "pfs", "extra": extra})
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", value)


def _missing(conn_id: str) -> Connection:
    raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")


def _settings(**extra: str) -> dict[str, object]:
    return connection_settings(Connection(conn_id="x", conn_type="pfs", extra=json.dumps(extra)))


def test_the_connection_s_home_is_opened(pfs_home: Path) -> None:
    with PfsHook().get_conn() as pfs:
        pfs.create_repo("images")

    with Pfs(home=pfs_home) as pfs:
        assert [repo.name for repo in pfs.list_repos()] == ["images"]


def test_the_test_button_says_that_catalog_and_store_answer() -> None:
    assert PfsHook().test_connection() == (True, "Catalog and store answer; 0 repos")


def test_the_test_button_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    _connect(monkeypatch, "odd", catalog="nonsense", store="file:///nonexistent/x")

    works, text = PfsHook("odd").test_connection()

    assert not works
    assert text.endswith("]")


def test_without_the_default_connection_the_settings_of_the_machine_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PfsHook, "get_connection", staticmethod(_missing))

    assert PfsHook().find_settings() == {}


def test_another_missing_connection_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PfsHook, "get_connection", staticmethod(_missing))

    with pytest.raises(AirflowNotFoundException, match=r"'lab'.*PFS_HOME"):
        PfsHook("lab").find_settings()


def test_a_trigger_finds_the_same_settings_without_blocking(pfs_home: Path) -> None:
    assert asyncio.run(PfsHook().afind_settings()) == {"home": str(pfs_home)}


def test_empty_fields_are_left_to_the_settings() -> None:
    assert _settings(home="", catalog="", store="", catalog_password="") == {}


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        ("postgresql://pfs@db:5432/pfs", "postgresql://pfs:p%40ss@db:5432/pfs"),
        ("postgresql://pfs:own@db/pfs", "postgresql://pfs:own@db/pfs"),
        ("sqlite:////x/catalog.db", "sqlite:////x/catalog.db"),
    ],
    ids=["put in", "has its own", "needs none"],
)
def test_the_password_of_the_catalog_is_a_field_of_its_own(catalog: str, expected: str) -> None:
    assert _settings(catalog=catalog, catalog_password="p@ss")["catalog"] == expected


def test_keys_of_an_s3_store_reach_its_client() -> None:
    found = _settings(store="s3://bucket/x", s3_access_key="a", s3_secret_key="b")

    assert found["store_options"] == {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
