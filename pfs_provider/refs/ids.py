"""Ids: 32 hex digits that name a change, and with it its commits and jobs.

Invariant: a value of these types was parsed here or made by an IdSource.
"""

import re
from typing import NewType

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["CommitId", "is_id", "parse_id"]

CommitId = NewType("CommitId", str)
"""Id of a change; a commit is ``repo@id``, a job ``pipeline@id``."""

_ID = re.compile(r"[0-9a-f]{32}")


def is_id(text: str) -> bool:
    """Return whether the text has the shape of an id."""
    return _ID.fullmatch(text) is not None


def parse_id(text: str) -> CommitId:
    """Return the text as an id.

    Raises:
        RefusedError: ``id-illegal``: not 32 lower-case hex digits.
    """
    if not is_id(text):
        raise RefusedError(
            ErrorCode.ID_ILLEGAL, f"{text!r} is not an id: 32 hex digits are wanted", id=text
        )
    return CommitId(text)
