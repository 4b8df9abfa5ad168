"""Ancestry suffixes of an address: ``^``, ``^^``, ``^3``, ``~``, ``~3`` and ``.3``.

``^n`` and ``~n`` mean n steps back from the commit; ``.n`` means the n-th commit counted from the
start of the branch (1 is the first). Zero means the commit itself.

Source: Pachyderm's ancestry package; its repeat formula for dots is a bug, so dots take numbers
only.
"""

import re
from dataclasses import dataclass

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["Ancestry", "Back", "FromStart", "parse_ancestry"]


@dataclass(frozen=True, slots=True)
class Back:
    """``steps`` parents back; 0 is the commit itself, a negative number goes forward."""

    steps: int


@dataclass(frozen=True, slots=True)
class FromStart:
    """The ``number``-th commit of the branch, counted from 1; 0 is the commit itself."""

    number: int


Ancestry = Back | FromStart

_REPEAT = re.compile(r"\^+|~+")
_NUMBER = re.compile(r"([\^~.])(-?[0-9]+)")


def parse_ancestry(text: str) -> tuple[str, Ancestry]:
    """Split a revision into its name and its ancestry.

    Args:
        text: For example ``master^2``; names hold none of ``^~.``.

    Returns:
        The name and where to go from there; ``Back(0)`` when there is no suffix.

    Raises:
        RefusedError: ``address-illegal``: mixed or unreadable suffix.
    """
    cut = next((i for i, char in enumerate(text) if char in "^~."), len(text))
    name, suffix = text[:cut], text[cut:]
    if not suffix:
        return name, Back(0)
    if _REPEAT.fullmatch(suffix):
        return name, Back(len(suffix))
    found = _NUMBER.fullmatch(suffix)
    if found is None:
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL,
            f"ancestry {suffix!r} of {text!r} is not understood: "
            "use ^, ^^, ^n, ~n or .n, and do not mix them",
            address=text,
        )
    number = int(found[2])
    if found[1] == ".":
        # A negative number after a dot counts back, as Pachyderm reads it.
        return name, FromStart(number) if number > 0 else Back(-number)
    return name, Back(number)
