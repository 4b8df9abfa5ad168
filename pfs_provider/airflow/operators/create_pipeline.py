"""PfsCreatePipelineOperator: see to it that a pipeline exists with this spec."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.errors import ConflictError, ErrorCode

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsCreatePipelineOperator"]


class PfsCreatePipelineOperator(BaseOperator):
    """Create a pipeline unless there is one of that name.

    Idempotent: a pipeline that exists is left as it is, or updated when ``update`` says so.

    Args:
        spec: Path or URL of a pipeline spec (JSON or YAML), or the spec itself as a mapping.
        repos: Repos to create first where they are missing, such as the pipeline's inputs.
        update: Give an existing pipeline this spec as a new version. Every run then makes a
            version.
        pfs_conn_id: The Airflow connection.
    """

    template_fields: Sequence[str] = ("spec", "repos")

    def __init__(
        self,
        *,
        spec: str | Mapping[str, Any],
        repos: Sequence[str] = (),
        update: bool = False,
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.repos = repos
        self.update = update
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> None:
        """Create what is missing."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            for repo in self.repos:
                with _unless(ErrorCode.REPO_EXISTS):
                    pfs.create_repo(repo)
            if self.update:
                pfs.update_pipeline(self.spec)
            else:
                with _unless(ErrorCode.PIPELINE_EXISTS):
                    pfs.create_pipeline(self.spec)


@contextmanager
def _unless(code: ErrorCode) -> Iterator[None]:
    try:
        yield
    except ConflictError as error:
        if error.code != code:
            raise
