import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.airflow.error_table import ACTIONS, CODE_ACTIONS, airflow_errors, to_airflow
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


def test_every_kind_of_error_has_a_row() -> None:
    assert set(ACTIONS) == set(PfsError.__subclasses__())


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_becomes_an_airflow_error_that_names_it(code: ErrorCode) -> None:
    for kind in ACTIONS:
        error = to_airflow(kind(code, "what and the way out"))

        assert str(error) == f"what and the way out [{code}]"
        assert CODE_ACTIONS.get(code, type(error)) is type(error)


@pytest.mark.parametrize(
    ("kind", "code", "for_good"),
    [
        (RefusedError, ErrorCode.SPEC_ILLEGAL, True),
        (NotFoundError, ErrorCode.PIPELINE_NOT_FOUND, False),
        (ConflictError, ErrorCode.BRANCH_MOVED, False),
        (CorruptDataError, ErrorCode.CHUNK_CORRUPT, True),
        (UnavailableError, ErrorCode.STORE_UNAVAILABLE, False),
        (UnavailableError, ErrorCode.CATALOG_TOO_NEW, True),
        (UnknownOutcomeError, ErrorCode.WRITE_UNKNOWN, False),
        (FailedError, ErrorCode.JOB_FAILED, True),
        (FailedError, ErrorCode.WORKER_FAILED, False),
    ],
)
def test_a_retry_happens_only_where_it_can_help(
    kind: type[PfsError], code: ErrorCode, for_good: bool
) -> None:
    error = to_airflow(kind(code, "x"))

    assert isinstance(error, AirflowFailException) == for_good


def test_errors_of_others_pass() -> None:
    with pytest.raises(KeyError), airflow_errors():
        raise KeyError("x")

    with pytest.raises(AirflowException) as caught, airflow_errors():
        raise ConflictError(ErrorCode.BRANCH_MOVED, "x")
    assert isinstance(caught.value.__cause__, ConflictError)
