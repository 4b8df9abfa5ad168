"""``@task.pfs_map``: a Python function over datums, in pods or in processes."""

import inspect
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import PfsHook
from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.verbs.programs import OUT, make_program
from pfs_provider.verbs.registration import (
    input_names,
    input_spec,
    output_fields,
    register,
)

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.bases.decorator import TaskDecorator

__all__ = ["pfs_map_task"]


class _PfsMapOperator(DecoratedOperator, PfsPipelineOperator):
    """Run a function over the datums of an input, and commit what it writes.

    The function becomes the user code of a pipeline, which is made or updated when the task runs:
    a changed body or argument is a new version, and works everything again; else only new or
    changed datums are worked. Arguments as for ``PfsPipelineOperator``, and:

    Args:
        input: ``[project/]repo[@branch][:/glob]``, or a spec's ``input`` as a mapping.
        output: Repo that takes the results; the function's name by default.
        image: For pods, with a Python and what the function imports; this package is not needed.
        python: The Python that runs it: ``python3`` in pods, Airflow's own on the machine.
        env: Variables.
        spec: More of a pipeline spec: ``resource_limits``, ``datum_tries``, ``pod_patch``, …
    """

    custom_operator_name = "@task.pfs_map"
    template_fields: Sequence[str] = ("op_args", "op_kwargs", "cluster", "env")
    template_fields_renderers = {"op_args": "py", "op_kwargs": "py"}  # noqa: RUF012 Airflow's name

    def __init__(  # noqa: PLR0913 each is one fact of the map
        self,
        *,
        python_callable: Callable[..., object],
        input: str | Mapping[str, Any],  # noqa: A002 the word of specs
        output: str | None = None,
        image: str | None = None,
        python: str | None = None,
        env: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.input_spec = input_spec(input)
        self.image = image
        self.python = python
        self.env = dict(env or {})
        self.spec = dict(spec or {})
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=self._with_folders(python_callable, op_args or (), op_kwargs or {}),
            pipeline=output or python_callable.__name__,
            **kwargs,
        )
        self._program({})  # what cannot be shipped is told when the DAG is parsed

    def execute(self, context: "Context") -> list[str]:
        """Bring the pipeline up to date, then run its jobs."""
        ti = context["ti"]
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            register(pfs, self._spec(), by="Airflow", source=f"{ti.dag_id}/{ti.task_id}")
        return PfsPipelineOperator.execute(self, context)

    def _spec(self) -> dict[str, Any]:
        bound = inspect.signature(self.python_callable).bind(*self.op_args, **self.op_kwargs)
        folders = self._folders
        given = {
            name: value for name, value in bound.arguments.items() if value != folders.get(name)
        }
        python = self.python or ("python3" if self.launcher == "kubernetes" else sys.executable)
        transform: dict[str, Any] = {"cmd": [python, "-"], "stdin": self._program(given)}
        transform |= {"image": self.image} if self.image else {}
        transform |= {"env": self.env} if self.env else {}
        return {
            **self.spec,
            "pipeline": output_fields(self.pipeline),
            "input": self.input_spec,
            "transform": {**self.spec.get("transform", {}), **transform},
        }

    def _program(self, arguments: Mapping[str, Any]) -> list[str]:
        return make_program(
            self.python_callable, inputs=input_names(self.input_spec), arguments=arguments
        )

    @property
    def _folders(self) -> dict[str, str]:
        """What stands for folders among the arguments, until the function runs."""
        return {name: f"/pfs/{name}" for name in (*input_names(self.input_spec), OUT)}

    def _with_folders(
        self, function: Callable[..., object], args: Collection[Any], kwargs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the arguments with the folders that the function takes, for Airflow's check."""
        parameters = list(inspect.signature(function).parameters)
        folders = self._folders
        missing = [name for name in parameters[len(args) :] if name in folders]
        return {name: folders[name] for name in missing} | dict(kwargs)


def pfs_map_task(
    python_callable: Callable[..., object] | None = None, **kwargs: Any
) -> "TaskDecorator":
    """Return the decorator ``@task.pfs_map``. Arguments as for the operator behind it."""
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=_PfsMapOperator, **kwargs
    )
