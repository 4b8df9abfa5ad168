"""Who a task instance is, for the catalog: owner of jobs, and the run that a commit came from.

Invariant: no try number in it, so that a retry is the same owner and takes up its own job.
Must not know: what is owned.
"""

from typing import TYPE_CHECKING

from pfs_provider.k8s.names import label_value

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["group_owner", "run_facts", "run_marks", "run_owner"]


def run_facts(context: "Context") -> dict[str, str | int]:
    """Return the external run that provenance records: scheduler, dag, run, task, map index."""
    ti = context["ti"]
    map_index = -1 if ti.map_index is None else ti.map_index
    return {
        "scheduler": "airflow",
        "dag": ti.dag_id,
        "run": ti.run_id,
        "task": ti.task_id,
        "map_index": map_index,
    }


def run_owner(context: "Context") -> str:
    """Return the name under which this task instance claims jobs, the same for all its tries."""
    facts = run_facts(context)
    return "/".join(str(facts[name]) for name in ("scheduler", "dag", "run", "task", "map_index"))


def group_owner(context: "Context", group: str) -> str:
    """Return the name under which the tasks of one group in one run claim jobs together."""
    facts = run_facts(context) | {"task": group}
    return "/".join(str(facts[name]) for name in ("scheduler", "dag", "run", "task"))


def run_marks(context: "Context") -> tuple[dict[str, str], dict[str, str]]:
    """Return labels and annotations by which pods are found from their task, and back.

    Labels are shortened to what Kubernetes allows; annotations hold the names in full, and the try
    that made the pods: a later one that adopts them changes nothing.
    """
    facts = {name: str(value) for name, value in run_facts(context).items() if name != "scheduler"}
    labels = {f"pfs.{name}": label_value(facts[name]) for name in ("dag", "run", "task")}
    marks = facts | {"try": str(context["ti"].try_number)}
    return labels, {f"pfs/{name}": value for name, value in marks.items()}
