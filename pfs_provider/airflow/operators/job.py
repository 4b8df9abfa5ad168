"""PfsJobOperator: somebody's own pod template, run over datums."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import PfsHook
from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.airflow.pod_templates import find_pod_spec, spec_of_pod
from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.verbs.registration import input_spec, output_fields, register

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsJobOperator"]


class PfsJobOperator(PfsPipelineOperator):
    """Run the container of a pod template over the datums of an input, in as many pods as asked.

    The template's container sees one datum after the other below ``/pfs/<input>`` and leaves
    results in ``/pfs/out``; its volumes, secrets, resources, node selectors and the like are kept.
    The worker runs beside it. Beneath is a pipeline, made or updated when the task runs: a changed
    image, command or variable works everything again, else only what is new or changed.

    Arguments as for ``PfsPipelineOperator`` on Kubernetes, and:

    Args:
        pod_template: A Pod, a PodTemplateSpec or a pod's spec: as a mapping, the path of a YAML
            file, or an object of the Kubernetes client.
        input: ``[project/]repo[@branch][:/glob]``, or a spec's ``input`` as a mapping.
        output: Repo that takes the results, ``[project/]repo``.
        cmd: In the place of the container's command and arguments.
        spec: More of a pipeline spec: ``parallelism_spec``, ``datum_tries``, …
    """

    template_fields: Sequence[str] = ("pod_template", "cmd", "spec", "cluster")
    template_fields_renderers = {"pod_template": "yaml", "spec": "json"}  # noqa: RUF012 Airflow's

    def __init__(
        self,
        *,
        pod_template: Any,
        input: str | Mapping[str, Any],  # noqa: A002 the word of specs
        output: str,
        cmd: Sequence[str] = (),
        spec: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"launcher": "kubernetes", "pipeline": output} | kwargs)
        self.pod_template = pod_template
        self.input_spec = input_spec(input)
        self.cmd = list(cmd)
        self.spec = dict(spec or {})

    def execute(self, context: "Context") -> list[str]:
        """Bring the pipeline up to date, then run its jobs."""
        ti = context["ti"]
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            register(pfs, self._spec(), by="Airflow", source=f"{ti.dag_id}/{ti.task_id}")
        return super().execute(context)

    def _spec(self) -> dict[str, Any]:
        pod = find_pod_spec(_read(self.pod_template))
        return {
            **spec_of_pod(pod, cmd=self.cmd),
            **self.spec,
            "pipeline": output_fields(self.pipeline),
            "input": self.input_spec,
        }


def _read(template: Any) -> Mapping[str, Any]:
    if isinstance(template, Mapping):
        return template
    if isinstance(template, str | Path):
        path = Path(template)
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFoundError(
                ErrorCode.SOURCE_NOT_FOUND, f"there is no pod template {path}", path=str(path)
            ) from None
        except yaml.YAMLError as error:
            raise _no_template(f"{path} is no YAML: {error}") from None
        if not isinstance(found, Mapping):
            raise _no_template(f"{path} holds no pod")
        return found
    # lazy: only who has an object of the client has the client
    from kubernetes.client import ApiClient  # noqa: PLC0415

    plain: Mapping[str, Any] = ApiClient().sanitize_for_serialization(template)
    return plain


def _no_template(why: str) -> RefusedError:
    return RefusedError(ErrorCode.SPEC_ILLEGAL, f"pod_template: {why}", field="pod_template")
