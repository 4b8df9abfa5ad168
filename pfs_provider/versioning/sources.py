"""Where bytes to be put come from: bytes, a binary file, a local path, or a URL.

Must not know: repos and commits.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError, UnavailableError

__all__ = ["Source", "check_folder", "is_url", "open_source", "source_name"]

Source = str | Path | bytes | BinaryIO
"""A ``str`` is a local path, or a URL if it has ``://``."""

URL_SCHEMES = frozenset({"http", "https", "file", "ftp"})
URL_TIMEOUT_S = 60.0


def is_url(text: str) -> bool:
    """Return whether the text is a URL rather than a local path."""
    return "://" in text


def source_name(source: str) -> str:
    """Return the file name that a path or URL ends in."""
    text = source.split("?", 1)[0].split("#", 1)[0] if is_url(source) else source
    return text.rstrip("/").rpartition("/")[2]


def check_folder(folder: Path) -> None:
    """Say what is wrong with a folder that is none.

    Raises:
        NotFoundError: ``source-not-found``: there is nothing of that name.
        RefusedError: ``source-illegal``: it is a file.
    """
    if not os.path.lexists(folder):
        raise _no_file(folder)
    if not os.path.isdir(folder):  # noqa: PTH112 # Path's own raises where it may not look
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{str(folder)!r} is not a folder: put it without -r, or by put_file",
            path=str(folder),
        )


@contextmanager
def open_source(source: Source) -> Iterator[BinaryIO]:
    """Open a source for reading once, front to back.

    Raises:
        NotFoundError: ``source-not-found``: no such local file, or the URL answers 404.
        RefusedError: ``source-illegal``: a folder, or a URL scheme that is not known.
        UnavailableError: ``source-unavailable``: the file cannot be read, the URL does not answer.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str) and is_url(source):
        with _open_url(source) as stream:
            yield stream
    elif isinstance(source, str | Path):
        with _open_local(Path(source)) as stream:
            yield stream
    elif hasattr(source, "read"):
        yield source
    else:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"cannot put a {type(source).__name__}: give bytes, a binary file, a path or a URL",
        )


def _open_local(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise _no_file(path) from None
    except IsADirectoryError:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{str(path)!r} is a folder: put it with -r, or put_tree",
            path=str(path),
        ) from None
    except OSError as error:
        raise UnavailableError(
            ErrorCode.SOURCE_UNAVAILABLE, f"cannot read {str(path)!r}: {error}", path=str(path)
        ) from error


def _no_file(path: Path) -> NotFoundError:
    return NotFoundError(ErrorCode.SOURCE_NOT_FOUND, f"no local file {str(path)!r}", path=str(path))


def _open_url(url: str) -> BinaryIO:
    scheme = url.partition("://")[0].lower()
    if scheme not in URL_SCHEMES:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"cannot read {url!r}: use one of {', '.join(sorted(URL_SCHEMES))}, or a local path",
            url=url,
        )
    try:
        # The scheme is checked above, which the linter does not see.
        return cast("BinaryIO", urlopen(url, timeout=URL_TIMEOUT_S))  # noqa: S310
    except HTTPError as error:
        if error.code in {404, 410}:
            raise NotFoundError(
                ErrorCode.SOURCE_NOT_FOUND, f"{url} answers {error.code}", url=url
            ) from error
        raise UnavailableError(
            ErrorCode.SOURCE_UNAVAILABLE, f"{url} answers {error.code} {error.reason}", url=url
        ) from error
    except (URLError, OSError, ValueError) as error:
        raise UnavailableError(
            ErrorCode.SOURCE_UNAVAILABLE, f"{url} cannot be read: {error}", url=url
        ) from error
