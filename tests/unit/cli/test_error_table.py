import pytest

from pfs_provider import errors
from pfs_provider.cli.error_table import EXIT_CODES, exit_code
from pfs_provider.errors import ErrorCode, PfsError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PfsError) and kind is not PfsError
]
DESIGN = {
    "RefusedError": 5,
    "NotFoundError": 3,
    "ConflictError": 4,
    "CorruptDataError": 1,
    "UnavailableError": 1,
    "UnknownOutcomeError": 1,
    "FailedError": 1,
}


def test_every_class_of_errors_has_its_row() -> None:
    assert {kind.__name__: EXIT_CODES[kind] for kind in KINDS} == DESIGN


@pytest.mark.parametrize("code", ErrorCode, ids=str)
def test_every_code_has_an_exit_code_in_every_class(code: ErrorCode) -> None:
    assert {exit_code(kind(code, "text")) for kind in KINDS} == {1, 3, 4, 5}


def test_a_class_of_its_own_exits_as_its_parent() -> None:
    class Narrower(errors.NotFoundError):
        pass

    assert exit_code(Narrower(ErrorCode.FILE_NOT_FOUND, "text")) == 3
    assert exit_code(PfsError(ErrorCode.FILE_NOT_FOUND, "text")) == 1
