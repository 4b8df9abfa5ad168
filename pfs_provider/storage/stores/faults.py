"""Turns what an object store client raises into this project's errors.

Invariant: messages name the store by its URL without secrets, and the way out.
Must not know: which verb's caller does what next.
"""

import errno
import re

from obstore.exceptions import (
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from pfs_provider.errors import (
    ErrorCode,
    NotFoundError,
    PfsError,
    UnavailableError,
    UnknownOutcomeError,
)

__all__ = ["CLIENT_ERRORS", "is_range_error", "read_error", "write_error"]

CLIENT_ERRORS = (BaseError, OSError, ValueError)
"""What obstore raises: its own tree, and builtins for missing files and bad paths."""

_OS_ERROR = re.compile(r"os error (\d+)")
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NEVER_BEGAN = {errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE}
"""What a local write cannot fail with once something was written under the name."""
_RANGE = re.compile(
    r"range was invalid|invalid range|InvalidRange|StartTooLarge|416 ", re.IGNORECASE
)


def is_range_error(error: Exception) -> bool:
    """Return whether the error says that a read began past the object's end."""
    return _RANGE.search(str(error)) is not None


def read_error(error: Exception, *, name: str, key: str) -> PfsError:
    """Return the error that a failed read, find or list means."""
    if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
        return NotFoundError(
            ErrorCode.OBJECT_NOT_FOUND, f"{name} has no object {key}", store=name, key=key
        )
    return _known(error, name) or _unavailable(error, name)


def write_error(error: Exception, *, name: str, key: str) -> PfsError:
    """Return the error that a failed write means: refused for a known reason, else unknown."""
    known = _known(error, name)
    if known is not None:
        return known
    if isinstance(error, ValueError) or _os_code(error) in _NEVER_BEGAN:
        return _unavailable(error, name)
    return UnknownOutcomeError(
        ErrorCode.WRITE_UNKNOWN,
        f"{name} did not say whether {key} was stored ({first_line(error)}): repeat the command; "
        "what was stored already is found again",
        store=name,
        key=key,
    )


def first_line(error: Exception) -> str:
    """Return the error's own words on one line; the rest of obstore's text is debug output."""
    return str(error).strip().partition("\n")[0][:300]


def _known(error: Exception, name: str) -> PfsError | None:
    text = str(error)
    code = _os_code(error)
    if code in _FULL:
        return UnavailableError(
            ErrorCode.STORE_FULL,
            f"{name} is full: free some space or raise the quota, then repeat",
            store=name,
        )
    if code in _READ_ONLY:
        return UnavailableError(
            ErrorCode.STORE_READ_ONLY,
            f"{name} cannot be written to ({first_line(error)}): "
            "grant write permission or name another store",
            store=name,
        )
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or "AccessDenied" in text:
        return UnavailableError(
            ErrorCode.STORE_READ_ONLY,
            f"{name} refused access: check the credentials and their permission to write",
            store=name,
        )
    if "169.254.169.254" in text:
        return UnavailableError(
            ErrorCode.STORE_READ_ONLY,
            f"{name}: there are no credentials: give them as options, or run where the machine "
            "has a role",
            store=name,
        )
    if "NoSuchBucket" in text:
        return UnavailableError(
            ErrorCode.STORE_UNAVAILABLE,
            f"{name}: the bucket does not exist: make it, or correct the URL",
            store=name,
        )
    return None


def _os_code(error: Exception) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = _OS_ERROR.search(str(error))
    return int(match.group(1)) if match else None


def _unavailable(error: Exception, name: str) -> UnavailableError:
    return UnavailableError(
        ErrorCode.STORE_UNAVAILABLE,
        f"{name} does not answer ({first_line(error)}): check that it runs and the URL is right",
        store=name,
    )
