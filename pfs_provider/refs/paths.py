"""Paths inside a repo: absolute, ``/``-separated, no ``.``, ``..`` or empty element, no NUL.

Any other character of UTF-8 is allowed; Unicode is not normalised. ``/`` is the root and never a
file.
"""

from typing import NewType

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["ROOT", "PfsPath", "join_path", "parse_path"]

PfsPath = NewType("PfsPath", str)
ROOT = PfsPath("/")


def parse_path(text: str) -> PfsPath:
    """Return the path, with a leading slash and without a trailing one.

    Raises:
        RefusedError: ``path-illegal``: an element is empty, ``.`` or ``..``, there is a NUL, or
            the text is not encodable as UTF-8.
    """
    stripped = text.strip("/")
    if not stripped:
        return ROOT
    if "\0" in stripped:
        raise _refused(text, "it holds a NUL character")
    for element in stripped.split("/"):
        if element in {"", ".", ".."}:
            raise _refused(text, f"the element {element!r} is not allowed")
    try:
        stripped.encode()
    except UnicodeEncodeError:
        raise _refused(text, "it cannot be written as UTF-8") from None
    return PfsPath("/" + stripped)


def join_path(base: str, relative: str) -> PfsPath:
    """Return ``relative`` below ``base``, checked. Raises RefusedError ``path-illegal``."""
    return parse_path(f"{base.rstrip('/')}/{relative.strip('/')}")


def _refused(text: str, why: str) -> RefusedError:
    return RefusedError(ErrorCode.PATH_ILLEGAL, f"path {text!r} is illegal: {why}", path=text)
