"""From errors to exit codes: the one table of the command line.

Must not know: which command raised the error.
"""

from pfs_provider.errors import (
    ConflictError,
    CorruptDataError,
    FailedError,
    NotFoundError,
    PfsError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)

__all__ = ["EXIT_CODES", "FAILED", "INTERRUPTED", "TERMINATED", "exit_code"]

FAILED = 1
INTERRUPTED = 128 + 2
TERMINATED = 128 + 15

EXIT_CODES: dict[type[PfsError], int] = {
    FailedError: FAILED,
    CorruptDataError: FAILED,
    UnavailableError: FAILED,
    UnknownOutcomeError: FAILED,
    # 2 is the usage of the command line itself, told by its parser
    NotFoundError: 3,
    ConflictError: 4,
    RefusedError: 5,
}
"""What the program exits with, by the error's class."""


def exit_code(error: PfsError) -> int:
    """Return what the program exits with."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)
