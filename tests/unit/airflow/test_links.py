from dataclasses import dataclass
from typing import Any

import pytest

from pfs_provider.airflow.links import (
    PfsCommitLink,
    PfsJobLink,
    PfsPodsLink,
    page_url,
    pods_page_url,
    tell,
)
from tests.unit.airflow.contexts import TaskInstance, task_context

COMMIT = "edges@" + "a" * 32


@dataclass
class Task:
    """Stands for an operator: only its attributes count."""


def _task(key: str = "", reference: str = "") -> tuple[Any, Any]:
    task, context = Task(), task_context()
    if key:
        tell(task, context, key, reference)  # type: ignore[arg-type]
    return task, context


def _link(kind: type[PfsCommitLink | PfsJobLink | PfsPodsLink], task: Any, **key: Any) -> str:
    return kind().get_link(task, ti_key=TaskInstance(**key))  # type: ignore[arg-type]


def test_without_a_web_page_a_link_leads_to_the_task_s_xcoms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow")
    task, context = _task("pfs_commit", COMMIT)

    assert context["ti"].pushed == {"pfs_commit": COMMIT}
    assert _link(PfsCommitLink, task) == "http://airflow/dags/dag/runs/run/tasks/task/xcom"
    assert _link(PfsCommitLink, task, map_index=2).endswith("/tasks/task/mapped/2/xcom")


def test_a_link_leads_to_the_configured_web_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PFS__WEB_URL", "https://pfs.example.org/")
    task, _ = _task("pfs_job", COMMIT)

    assert _link(PfsJobLink, task) == f"https://pfs.example.org/jobs/default/edges/{'a' * 32}"


def test_a_task_without_a_commit_has_no_link() -> None:
    task, _ = _task()

    assert _link(PfsCommitLink, task) == ""
    assert _link(PfsJobLink, task) == ""


def test_a_page_is_named_by_project_name_and_id() -> None:
    assert (
        page_url("http://w", "commits", f"lab/{COMMIT}") == f"http://w/commits/lab/edges/{'a' * 32}"
    )


def test_pods_lead_to_the_configured_page_or_to_the_xcoms(monkeypatch: pytest.MonkeyPatch) -> None:
    task, context = _task("pfs_pods", "pipelines/pfs-edges-1")

    assert context["ti"].pushed == {"pfs_pods": "pipelines/pfs-edges-1"}
    assert _link(PfsPodsLink, task).endswith("/tasks/task/xcom")
    monkeypatch.setenv("AIRFLOW__PFS__PODS_URL", "https://k8s/#/job/{namespace}/{name}")
    assert _link(PfsPodsLink, task) == "https://k8s/#/job/pipelines/pfs-edges-1"
    assert _link(PfsPodsLink, _task()[0]) == ""


def test_braces_of_other_kinds_in_a_pods_page_stay() -> None:
    assert pods_page_url("http://k/{ns}/{name}?q={}", "a/b") == "http://k/{ns}/b?q={}"


def test_the_links_have_names_and_keys_of_their_own() -> None:
    links = (PfsCommitLink(), PfsJobLink(), PfsPodsLink())

    assert len({link.name for link in links}) == len({link.xcom_key for link in links}) == 3
