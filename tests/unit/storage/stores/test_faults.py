import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from pfs_provider.errors import ErrorCode, PfsError
from pfs_provider.storage.stores.faults import is_range_error, read_error, write_error

CASES: list[tuple[Exception, ErrorCode, ErrorCode]] = [
    (FileNotFoundError("not found"), ErrorCode.WRITE_UNKNOWN, ErrorCode.OBJECT_NOT_FOUND),
    (FileNotFoundError("NoSuchBucket"), ErrorCode.STORE_UNAVAILABLE, ErrorCode.STORE_UNAVAILABLE),
    (GenericError("No space left (os error 28)"), ErrorCode.STORE_FULL, ErrorCode.STORE_FULL),
    (
        GenericError("Disk quota exceeded (os error 122)"),
        ErrorCode.STORE_FULL,
        ErrorCode.STORE_FULL,
    ),
    (
        GenericError("Read-only file system (os error 30)"),
        ErrorCode.STORE_READ_ONLY,
        ErrorCode.STORE_READ_ONLY,
    ),
    (
        PermissionDeniedError("x (os error 13)"),
        ErrorCode.STORE_READ_ONLY,
        ErrorCode.STORE_READ_ONLY,
    ),
    (
        PermissionDeniedError("403 AccessDenied"),
        ErrorCode.STORE_READ_ONLY,
        ErrorCode.STORE_READ_ONLY,
    ),
    (OSError(28, "full"), ErrorCode.STORE_FULL, ErrorCode.STORE_FULL),
    (GenericError("error sending request"), ErrorCode.WRITE_UNKNOWN, ErrorCode.STORE_UNAVAILABLE),
    (ValueError("Could not parse path"), ErrorCode.STORE_UNAVAILABLE, ErrorCode.STORE_UNAVAILABLE),
]


@pytest.mark.parametrize(("error", "write", "read"), CASES, ids=lambda case: str(case)[:30])
def test_every_client_error_has_one_meaning(
    error: Exception, write: ErrorCode, read: ErrorCode
) -> None:
    for made, code in (
        (write_error(error, name="s3://b/p", key="k"), write),
        (read_error(error, name="s3://b/p", key="k"), read),
    ):
        assert isinstance(made, PfsError)
        assert made.code == code
        assert "s3://b/p" in made.message


def test_the_debug_text_of_the_client_is_left_out() -> None:
    error = GenericError("first line\n\nDebug source:\nsecret")

    assert "secret" not in read_error(error, name="n", key="k").message


def test_reading_past_the_end_is_told_from_other_trouble() -> None:
    assert is_range_error(GenericError("Requested range was invalid"))
    assert not is_range_error(GenericError("connection reset"))
