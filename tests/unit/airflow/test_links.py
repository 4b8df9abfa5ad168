from typing import Any

import pytest
from airflow.sdk.bases.xcom import BaseXCom

from pfs_provider.airflow.links import PfsCommitLink, PfsJobLink, page_url
from tests.unit.airflow.contexts import TaskInstance

COMMIT = "edges@" + "a" * 32


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values: dict[str, str] = {}
    monkeypatch.setattr(BaseXCom, "get_value", lambda *, ti_key, key: values.get(key))
    return values


def _link(kind: type[PfsCommitLink | PfsJobLink], **key: Any) -> str:
    return kind().get_link(None, ti_key=TaskInstance(**key))  # type: ignore[arg-type]


def test_without_a_web_page_a_link_leads_to_the_task_s_xcoms(
    pushed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow")
    pushed["pfs_commit"] = COMMIT

    assert _link(PfsCommitLink) == "http://airflow/dags/dag/runs/run/tasks/task/xcom"
    assert _link(PfsCommitLink, map_index=2).endswith("/tasks/task/mapped/2/xcom")


def test_a_link_leads_to_the_configured_web_page(
    pushed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__PFS__WEB_URL", "https://pfs.example.org/")
    pushed["pfs_job"] = COMMIT

    assert _link(PfsJobLink) == f"https://pfs.example.org/jobs/default/edges/{'a' * 32}"


def test_a_task_without_a_commit_has_no_link(pushed: dict[str, str]) -> None:
    assert _link(PfsCommitLink) == ""
    assert _link(PfsJobLink) == ""


def test_a_page_is_named_by_project_name_and_id() -> None:
    assert page_url("http://w", "commits", f"lab/{COMMIT}") == f"http://w/commits/lab/edges/{'a' * 32}"


def test_the_two_links_have_names_and_keys_of_their_own() -> None:
    links = (PfsCommitLink(), PfsJobLink())

    assert len({link.name for link in links}) == len({link.xcom_key for link in links}) == 2
