"""PfsApplySpecsOperator: see to it that pipelines are as their specs say."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pfs_provider.pfs import Pfs

__all__ = ["PfsApplySpecsOperator"]


class PfsApplySpecsOperator(BaseOperator):
    """Create the pipelines that are missing and update those whose spec has changed.

    Idempotent: a pipeline that is as its spec says is left alone, without a new version. All in one
    transaction. A pipeline whose spec has gone is left as it is.

    Args:
        specs: Paths or URLs of spec files, or specs as mappings. Nothing in them is a template.
        repos: Repos to create first where they are missing, ``[project/]repo``.
        pfs_conn_id: The Airflow connection.

    The XCom result lists the pipelines that were created or updated.
    """

    def __init__(
        self,
        *,
        specs: Sequence[str | Mapping[str, Any]],
        repos: Sequence[str] = (),
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.specs = specs
        self.repos = repos
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> list[str]:
        """Do what is needed."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            for repo in self.repos:
                _see_to_repo(pfs, repo)
            loaded = [one for source in self.specs for one in pfs.read_specs(source)]
            changed = [
                (str(one.spec.key), one.written)
                for one in loaded
                if _find_spec(pfs, str(one.spec.key)) != _plain(one.written)
            ]
            if changed:
                with pfs.transaction():
                    for _, written in changed:
                        pfs.update_pipeline(written)
        names = [name for name, _ in changed]
        self.log.info("Created or updated: %s", ", ".join(names) or "none, all are as they should")
        return names


def _see_to_repo(pfs: "Pfs", repo: str) -> None:
    try:
        pfs.create_repo(repo)
    except ConflictError as error:
        if error.code != ErrorCode.REPO_EXISTS:
            raise


def _find_spec(pfs: "Pfs", pipeline: str) -> dict[str, Any] | None:
    try:
        return _plain(pfs.pipeline_spec(pipeline, user=True))
    except NotFoundError:
        return None


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec as JSON has it, without the salt of a reprocessing, which is no change."""
    plain: dict[str, Any] = json.loads(json.dumps(document, default=list))
    plain.pop("salt", None)
    return plain
