"""What is said where somebody wants jobs of a pipeline whose command stands.

Must not know: who wants them.
"""

import logging
from collections.abc import Mapping

from pfs_provider.catalog.values import PipelineKind
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.names import PipelineKey

__all__ = ["refuse_standing", "warn_of_standing"]

logger = logging.getLogger(__name__)


def refuse_standing(key: PipelineKey | None, standing: Mapping[PipelineKey, PipelineKind]) -> None:
    """Return unless that pipeline is one of those that stand.

    Raises:
        RefusedError: ``pipeline-stands``.
    """
    if key is not None and key in standing:
        raise RefusedError(
            ErrorCode.PIPELINE_STANDS, _sentence(key, standing[key]), pipeline=str(key)
        )


def warn_of_standing(standing: Mapping[PipelineKey, PipelineKind]) -> None:
    """Say which pipelines are left alone by who only runs jobs."""
    for key, kind in sorted(standing.items()):
        logger.warning("%s", _sentence(key, kind))


def _sentence(key: PipelineKey, kind: PipelineKind) -> str:
    return (
        f"pipeline {key} is a {kind}: it is kept up by `pfs run --watch` on some machine, "
        "and has no jobs to be run otherwise"
    )
