"""Links from a task to its output commit, its job and its job's pods.

A task names its newest commit and job with ``tell``: they become the XComs ``pfs_commit`` and
``pfs_job``, references such as ``edges@<id>``. The links lead to the pages below ``[pfs] web_url``;
while that is empty, to the task's own XCom page in Airflow, which shows the references to copy.
The pods are named ``namespace/name of the Kubernetes Job`` in ``pfs_pods``; their page is
``[pfs] pods_url`` with ``{namespace}`` and ``{name}`` filled in.
Must not know: how the references came about.
"""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink, conf

from pfs_provider.refs.addresses import parse_address

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context
    from airflow.sdk.types import TaskInstanceKey

__all__ = [
    "COMMIT_XCOM",
    "JOB_XCOM",
    "PODS_XCOM",
    "PfsCommitLink",
    "PfsJobLink",
    "PfsPodsLink",
    "page_url",
    "pods_page_url",
    "tell",
]

COMMIT_XCOM = "pfs_commit"
JOB_XCOM = "pfs_job"
PODS_XCOM = "pfs_pods"


class PfsCommitLink(BaseOperatorLink):
    """Leads to the newest commit that a task made or found."""

    @property
    def name(self) -> str:
        """The text of the button."""
        return "PFS commit"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return where the button leads; empty while the task has no commit."""
        return _link("commits", getattr(operator, COMMIT_XCOM, ""), ti_key)


class PfsJobLink(BaseOperatorLink):
    """Leads to the newest job that a task ran or waited for."""

    @property
    def name(self) -> str:
        """The text of the button."""
        return "PFS job"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return where the button leads; empty while the task has no job."""
        return _link("jobs", getattr(operator, JOB_XCOM, ""), ti_key)


class PfsPodsLink(BaseOperatorLink):
    """Leads to the pods of the newest job that a task ran on Kubernetes."""

    @property
    def name(self) -> str:
        """The text of the button."""
        return "PFS pods"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return where the button leads; empty while the task has no pods."""
        reference = getattr(operator, PODS_XCOM, "")
        pattern = conf.get("pfs", "pods_url", fallback="")
        if reference and pattern:
            return pods_page_url(pattern, reference)
        return _xcom_page(ti_key) if reference else ""


def pods_page_url(pattern: str, reference: str) -> str:
    """Return the page of a Kubernetes Job.

    Args:
        pattern: A URL with ``{namespace}`` and ``{name}``.
        reference: ``namespace/name``.
    """
    namespace, _, name = reference.partition("/")
    return pattern.replace("{namespace}", namespace).replace("{name}", name)


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


def tell(operator: "BaseOperator", context: "Context", key: str, reference: str) -> None:
    """Name a task's newest commit or job.

    Args:
        operator: The task; Airflow asks its links in the same process when it has ended.
        context: Its context.
        key: ``COMMIT_XCOM``, ``JOB_XCOM`` or ``PODS_XCOM``.
        reference: ``[project/]name@id``; of pods ``namespace/name``.
    """
    setattr(operator, key, reference)
    context["ti"].xcom_push(key=key, value=reference)


def _link(kind: str, reference: str, ti_key: Any) -> str:
    if not reference:
        return ""
    web_url = conf.get("pfs", "web_url", fallback="")
    if web_url:
        return page_url(web_url, kind, reference)
    return _xcom_page(ti_key)


def _xcom_page(ti_key: Any) -> str:
    mapped = f"/mapped/{ti_key.map_index}" if ti_key.map_index >= 0 else ""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/dags/{ti_key.dag_id}/runs/{ti_key.run_id}/tasks/{ti_key.task_id}{mapped}/xcom"
