"""Links from a task to its output commit and its job.

A link is read from the XComs ``pfs_commit`` and ``pfs_job``, which hold references such as
``edges@<id>``. It leads to the page named by ``[pfs] web_url``; while that is empty, to the task's
own XCom page in Airflow, which shows the reference to copy.
Must not know: how the references came about.
"""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink, conf
from airflow.sdk.bases.xcom import BaseXCom

from pfs_provider.refs.addresses import parse_address

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["COMMIT_XCOM", "JOB_XCOM", "PfsCommitLink", "PfsJobLink", "page_url"]

COMMIT_XCOM = "pfs_commit"
JOB_XCOM = "pfs_job"


class PfsCommitLink(BaseOperatorLink):
    """Leads to the newest commit that a task made or found."""

    @property
    def name(self) -> str:
        """The text of the button."""
        return "PFS commit"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return where the button leads; empty while the task has no commit."""
        return _link("commits", COMMIT_XCOM, ti_key)


class PfsJobLink(BaseOperatorLink):
    """Leads to the newest job that a task ran or waited for."""

    @property
    def name(self) -> str:
        """The text of the button."""
        return "PFS job"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return where the button leads; empty while the task has no job."""
        return _link("jobs", JOB_XCOM, ti_key)


def page_url(web_url: str, kind: str, reference: str) -> str:
    """Return the page of a commit or job below ``web_url``.

    Args:
        web_url: Where the pages are.
        kind: ``commits`` or ``jobs``.
        reference: ``[project/]name@id``.
    """
    address = parse_address(reference)
    revision = address.commit or address.branch
    return f"{web_url.rstrip('/')}/{kind}/{address.repo.full}/{revision}"


def _link(kind: str, xcom_key: str, ti_key: Any) -> str:
    reference = BaseXCom.get_value(ti_key=ti_key, key=xcom_key)
    if not reference:
        return ""
    web_url = conf.get("pfs", "web_url", fallback="")
    if web_url:
        return page_url(web_url, kind, reference)
    mapped = f"/mapped/{ti_key.map_index}" if ti_key.map_index >= 0 else ""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/dags/{ti_key.dag_id}/runs/{ti_key.run_id}/tasks/{ti_key.task_id}{mapped}/xcom"
