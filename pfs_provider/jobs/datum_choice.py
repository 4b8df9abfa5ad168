"""Which datums somebody means: by id, or by files that they have.

Must not know: what is done with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.infos import DatumInfo
from pfs_provider.refs.names import DEFAULT_PROJECT

__all__ = ["DatumChoice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatumChoice:
    """Which datums somebody means; all, if nothing is said.

    Args:
        datum: The one of this id.
        inputs: Those that have each of these files, ``[REPO:]/PATH``.

    Raises:
        RefusedError: ``path-illegal``: an input is no path.
    """

    datum: str | None = None
    inputs: Sequence[str] = ()

    def __post_init__(self) -> None:
        for text in self.inputs:
            if not _path_of(text).startswith("/"):
                raise RefusedError(
                    ErrorCode.PATH_ILLEGAL,
                    f"input {text!r} is no path in a repo: write /PATH or REPO:/PATH",
                    path=text,
                )

    @property
    def is_all(self) -> bool:
        """Whether nothing is said."""
        return self.datum is None and not self.inputs

    def has(self, datum: DatumInfo) -> bool:
        """Return whether a datum is one of them."""
        return (self.datum is None or datum.id == self.datum) and all(
            any(_is_of(text, file) for file in datum.files) for text in self.inputs
        )

    def __str__(self) -> str:
        of = f" of {', '.join(self.inputs)}" if self.inputs else ""
        return f"datum{'' if self.datum is None else ' ' + self.datum}{of}"


def _path_of(text: str) -> str:
    return text if text.startswith("/") else text.partition(":")[2]


def _is_of(text: str, file: str) -> bool:
    """Return whether an input file is, holds or lies in what somebody named."""
    path, of_datum = _path_of(text), file.partition(":")[2]
    repo = text.removesuffix(path).rstrip(":").removeprefix(f"{DEFAULT_PROJECT}/")
    if repo and repo not in {file.partition("@")[0], file.partition(":")[0]}:
        return False
    if of_datum.endswith("/") and path.startswith(of_datum):
        return True
    return of_datum.rstrip("/") == path.rstrip("/") or (
        path.endswith("/") and of_datum.startswith(path)
    )
