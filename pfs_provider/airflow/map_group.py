"""PfsMapGroup: a pipeline's job over mapped tasks, for any executor and without Kubernetes."""

import re
from typing import Any

from airflow.sdk import TaskGroup, XComArg

from pfs_provider.airflow.hook import DEFAULT_CONNECTION
from pfs_provider.airflow.operators.map_steps import (
    PLAN_XCOM,
    PfsFinishOperator,
    PfsPlanOperator,
    PfsWorkOperator,
)

__all__ = ["PfsMapGroup"]


class PfsMapGroup(TaskGroup):
    """Run a pipeline's job as plan → work, mapped over worker numbers → finish.

    The number of mapped tasks is the number of workers, not of datums: a million datums are worked
    by a handful of tasks, which take datum sets from the store one after the other. Any executor
    will do; all that its workers need is the store and the catalog, no shared disk.

    With nothing to do the mapped tasks are skipped and the group succeeds. Mapped tasks may be
    retried, cleared and run twice: a set's first result counts. When some of them fail for good,
    others take over their sets; only where results are missing in the end does the job fail.

    Args:
        pipeline: ``[project/]pipeline``.
        group_id: The group's name in the DAG; the pipeline's by default.
        workers: At most so many mapped tasks; None leaves it to the spec.
        drain: Let the last task run the pipeline's other ready jobs, too, on its own machine.
            Without it they are left to the DAG's next run.
        pfs_conn_id: The Airflow connection.
        task_args: More arguments for the mapped tasks: ``retries``, ``queue``, ``pool``,
            ``executor_config``, ``max_active_tis_per_dagrun``, …
        kwargs: As for ``TaskGroup``.

    The task ``<group>.finish`` gives the output commits, ``project/repo@id``, oldest first.
    """

    def __init__(
        self,
        *,
        pipeline: str,
        group_id: str | None = None,
        workers: int | None = None,
        drain: bool = True,
        pfs_conn_id: str = DEFAULT_CONNECTION,
        task_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id=group_id or re.sub(r"[^\w-]", "_", pipeline), **kwargs)
        common: dict[str, Any] = {
            "pipeline": pipeline,
            "group": self.group_id,
            "pfs_conn_id": pfs_conn_id,
        }
        with self:
            plan = PfsPlanOperator(task_id="plan", workers=workers, **common)
            told = XComArg(plan, key=PLAN_XCOM)
            work = PfsWorkOperator.partial(
                task_id="work", plan=told, **common, **(task_args or {})
            ).expand(number=plan.output)
            finish = PfsFinishOperator(
                task_id="finish",
                plan=told,
                workers=workers,
                drain=drain,
                trigger_rule="all_done",
                **common,
            )
            plan >> work >> finish
