"""DAGs of a folder of pipeline specs, as Pachyderm users have one.

    pipeline_dag(Path(__file__).parent / "specs")

Invariant: parsing the DAG file reads the specs and nothing else; a bad spec is one import error
that names file and field. Must not know: how pipelines are run (operators/pipeline.py).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from airflow.sdk import DAG

from pfs_provider.airflow.hook import DEFAULT_CONNECTION
from pfs_provider.airflow.operators.apply_specs import PfsApplySpecsOperator
from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.airflow.schedules import input_schedule
from pfs_provider.airflow.spec_folder import SpecFolder, cron_inputs, file_inputs, load_folder
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.names import DEFAULT_PROJECT, PipelineKey
from pfs_provider.spec.crons import NEVER
from pfs_provider.spec.load import LoadedSpec

__all__ = ["BY_INPUTS", "pipeline_dag"]

BY_INPUTS: Any = object()
"""The schedule that follows from the specs: the inputs' branches and clocks."""

SPECS_TASK = "specs"


def pipeline_dag(
    folder: str | Path,
    *,
    mode: Literal["one-dag", "dag-per-pipeline"] = "one-dag",
    dag_id: str | None = None,
    schedule: Any = BY_INPUTS,
    dag_arguments: Mapping[str, Any] | None = None,
    pfs_conn_id: str = DEFAULT_CONNECTION,
    **operator_arguments: Any,
) -> list[DAG]:
    """Return DAGs that keep the pipelines of a folder as their specs say, and run them.

    Args:
        folder: Pachyderm specs, JSON or YAML, one or more a file; folders below it count too.
            Services and spouts among them are applied, and kept up by ``pfs run --watch``.
        mode: ``one-dag``: a DAG with a task for each pipeline, in the order in which they build
            on each other, that runs when something lands on an input that none of them writes.
            ``dag-per-pipeline``: a DAG for each, that runs when something lands on one of its
            inputs.
        dag_id: The DAG's name, or what the names begin with; by default the folder's.
        schedule: Instead of what follows from the specs; None means by hand.
        dag_arguments: More arguments of ``DAG``.
        pfs_conn_id: The Airflow connection.
        operator_arguments: For each ``PfsPipelineOperator``.

    Raises:
        RefusedError: ``spec-illegal`` with file and field, and what :func:`load_folder` refuses.
        NotFoundError: ``source-not-found``: no such folder, or no spec in it.
    """
    found = load_folder(folder)
    name = dag_id or found.folder.name
    # Services and spouts are applied like all others; what keeps them up is no task, for it ends.
    run = tuple(one for one in found.specs if one.spec.kind == "transform")
    groups: list[tuple[str, tuple[LoadedSpec, ...]]]
    match mode:
        case "one-dag":
            groups = [(name, run)]
        case "dag-per-pipeline":
            groups = [(f"{name}.{_task_id(one.spec.key)}", (one,)) for one in run]
        case _:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"there is no mode {mode!r}: write 'one-dag' or 'dag-per-pipeline'",
            )

    def make_pipeline_task(key: PipelineKey) -> PfsPipelineOperator:
        arguments: dict[str, Any] = {"retries": 2, "pfs_conn_id": pfs_conn_id}
        arguments |= operator_arguments
        return PfsPipelineOperator(task_id=_task_id(key), pipeline=str(key), **arguments)

    made = []
    for each_id, specs in groups:
        when = _schedule(specs, pfs_conn_id) if schedule is BY_INPUTS else schedule
        options: dict[str, Any] = {"catchup": False, "max_active_runs": 1, "tags": ["pfs"]}
        with DAG(dag_id=each_id, schedule=when, **options | dict(dag_arguments or {})) as dag:
            _add_tasks(found, specs, make_pipeline_task, pfs_conn_id)
        made.append(dag)
    return made


def _add_tasks(
    found: SpecFolder,
    specs: tuple[LoadedSpec, ...],
    make_pipeline_task: Callable[[PipelineKey], PfsPipelineOperator],
    pfs_conn_id: str,
) -> None:
    """Add a task that applies all specs of the folder, and one for each pipeline of this DAG."""
    first = PfsApplySpecsOperator(
        task_id=SPECS_TASK,
        specs=[one.written for one in found.specs],
        repos=[str(repo) for repo in found.source_repos],
        pfs_conn_id=pfs_conn_id,
        retries=2,
    )
    tasks: dict[PipelineKey, PfsPipelineOperator] = {}
    for one in specs:
        task = tasks[one.spec.key] = make_pipeline_task(one.spec.key)
        before = [tasks[key] for key in found.upstream(one.spec) if key in tasks]
        task.set_upstream(before or first)


def _schedule(specs: tuple[LoadedSpec, ...], pfs_conn_id: str) -> Any:
    written = {one.spec.key.repo for one in specs}
    branches = [part.branch_key for one in specs for part in file_inputs(one.spec)]
    crons = [part for one in specs for part in cron_inputs(one.spec)]
    told = [part.files.branch_key for part in crons if part.spec == NEVER]  # by `pfs run cron`
    return input_schedule(
        [*told, *(branch for branch in branches if branch.repo not in written)],
        [part.spec for part in crons if part.spec != NEVER],
        pfs_conn_id=pfs_conn_id,
    )


def _task_id(key: PipelineKey) -> str:
    """Return the task of a pipeline; ``specs`` is taken."""
    name = key.name if key.project == DEFAULT_PROJECT else f"{key.project}.{key.name}"
    return f"{name}_" if name == SPECS_TASK else name
