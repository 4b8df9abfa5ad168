"""From errors to Airflow's words: retry, or fail for good.

A retry helps where somebody else may change the world meanwhile (a service comes back, a writer
steps aside). It does not help where the input is malformed, the data are damaged, or the job has
ended as failed: a retry would meet the same job.
Must not know: which task raised the error.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.errors import (
    ConflictError,
    CorruptDataError,
    ErrorCode,
    FailedError,
    NotFoundError,
    PfsError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)

__all__ = ["ACTIONS", "CODE_ACTIONS", "airflow_errors", "to_airflow"]

ACTIONS: dict[type[PfsError], type[AirflowException]] = {
    RefusedError: AirflowFailException,
    NotFoundError: AirflowException,  # it may be made meanwhile, for instance by another task
    ConflictError: AirflowException,
    CorruptDataError: AirflowFailException,
    UnavailableError: AirflowException,
    UnknownOutcomeError: AirflowException,  # all verbs are safe to repeat
    FailedError: AirflowFailException,
}
"""What a task does, by the error's class."""

CODE_ACTIONS: dict[ErrorCode, type[AirflowException]] = {
    ErrorCode.WORKER_FAILED: AirflowException,  # the job is still open: a retry takes it up
    ErrorCode.STORE_UNFIT: AirflowFailException,
    ErrorCode.CATALOG_TOO_NEW: AirflowFailException,
    ErrorCode.EXTRA_MISSING: AirflowFailException,
    ErrorCode.CLUSTER_FORBIDDEN: AirflowFailException,  # a person has to grant it
}
"""Codes that differ from their class."""


def to_airflow(error: PfsError) -> AirflowException:
    """Return what to raise instead; the message ends with the code."""
    kind = CODE_ACTIONS.get(error.code)
    if kind is None:
        kind = next(ACTIONS[base] for base in type(error).__mro__ if base in ACTIONS)
    return kind(f"{error} [{error.code}]")


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turn errors of the body into Airflow's."""
    try:
        yield
    except PfsError as error:
        raise to_airflow(error) from error
