"""What OpenLineage is told of tasks and assets: commits as versions of datasets.

A dataset is a branch: namespace ``[pfs] openlineage_namespace``, name ``project/repo/branch``, its
version the commit. Invariant: without Airflow's OpenLineage provider nothing of it is imported.
Must not know: how the facts were gathered (lineage.py).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf

from pfs_provider.airflow.lineage import TaskLineage, find_lineage
from pfs_provider.airflow.uris import asset_branch
from pfs_provider.refs.addresses import parse_uri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Asset
    from openlineage.client.event_v2 import Dataset

    from pfs_provider.infos import CommitInfo

__all__ = ["DEFAULT_NAMESPACE", "PfsLineage", "convert_asset"]

DEFAULT_NAMESPACE = "pfs://pfs"

JOB_FIELDS = (
    "project", "pipeline", "version", "id", "state", "reason",
    "total", "processed", "skipped", "recovered", "failed",
)  # fmt: skip


class PfsLineage:
    """Mixed into an operator, gives OpenLineage what lineage.py noted of it."""

    def get_openlineage_facets_on_start(self) -> "OperatorLineage[Any, Any]":
        """Return nothing yet: what a task will read is known when it has claimed its jobs."""
        return _to_openlineage(TaskLineage())

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> "OperatorLineage[Any, Any]":
        """Return what the task read and made."""
        return _to_openlineage(find_lineage(self) or TaskLineage())

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> "OperatorLineage[Any, Any]":
        """Return what it had read and made when it failed, and the jobs that did not succeed."""
        return self.get_openlineage_facets_on_complete(task_instance)


def convert_asset(asset: "Asset", _context: Any) -> "Dataset":
    """Return the dataset of a ``pfs://`` asset; for tasks that name it as inlet, outlet or by hook.

    Args:
        asset: A branch, its commits, or a file of a branch.
    """
    from openlineage.client.event_v2 import Dataset  # noqa: PLC0415  # lazy: an optional provider

    branch = asset_branch(asset.uri) if "?" in asset.uri else parse_uri(asset.uri).branch_key
    commit = (asset.extra or {}).get("commit")
    return Dataset(
        namespace=_namespace(),
        name=f"{branch.repo.full}/{branch.name}",
        facets=_version(str(commit)) if commit else {},
    )


def _to_openlineage(lineage: TaskLineage) -> "OperatorLineage[Any, Any]":
    # lazy: an optional provider
    from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415
    from openlineage.client.event_v2 import InputDataset, OutputDataset  # noqa: PLC0415
    from openlineage.client.facet_v2 import output_statistics_output_dataset  # noqa: PLC0415

    from pfs_provider.airflow.facets import PfsJobsRunFacet  # noqa: PLC0415

    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
    inputs = [
        InputDataset(namespace=_namespace(), name=_name(commit), facets=_version(commit.id))
        for commit in _newest(lineage.inputs)
    ]
    outputs = [
        OutputDataset(
            namespace=_namespace(),
            name=_name(commit),
            facets=_version(commit.id),
            outputFacets={"outputStatistics": statistics(size=commit.size)},
        )
        for commit in _newest(lineage.outputs)
    ]
    jobs = [
        {name: value for name, value in asdict(job).items() if name in JOB_FIELDS}
        for job in lineage.jobs
    ]
    return OperatorLineage(
        inputs=inputs,
        outputs=outputs,
        run_facets={"pfs_jobs": PfsJobsRunFacet(jobs=jobs)} if jobs else {},
    )


def _newest(commits: "Iterable[CommitInfo]") -> "list[CommitInfo]":
    """Return the last commit of each branch: an event names a dataset once."""
    return list({_name(commit): commit for commit in commits}.values())


def _name(commit: "CommitInfo") -> str:
    return f"{commit.project}/{commit.repo}/{commit.branch}"


def _namespace() -> str:
    return str(conf.get("pfs", "openlineage_namespace", fallback=DEFAULT_NAMESPACE))


def _version(commit: str) -> dict[str, Any]:
    from openlineage.client.facet_v2 import dataset_version_dataset  # noqa: PLC0415  # lazy: as above

    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=commit)}
