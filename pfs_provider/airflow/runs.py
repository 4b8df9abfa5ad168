"""Who a task instance is, for the catalog: owner of jobs, and the run that a commit came from.

Invariant: no try number in it, so that a retry is the same owner and takes up its own job.
Must not know: what is owned.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["group_owner", "run_facts", "run_owner"]


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
