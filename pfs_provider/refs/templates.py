"""Templates over a glob's captures: ``$1``, ``${1}1``, ``$$`` for a dollar, ``$0`` for the path.

Invariant: a template was parsed against the glob it belongs to, so it names no missing group; a
group that took no part in the match is empty. Must not know: specs, datums.
"""

import re
from dataclasses import dataclass

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["Template", "parse_template"]

_PART = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>[0-9]+)|\{(?P<braced>[0-9]+)\}|(?P<bad>))")


@dataclass(frozen=True, slots=True)
class Template:
    """Text with the numbers of groups between. ``text`` is what the user wrote."""

    text: str
    parts: tuple[str | int, ...]

    def expand(self, path: str, captures: tuple[str, ...]) -> str:
        """Return the text with each group replaced by what it captured, 0 by the path."""
        groups = (path, *captures)
        return "".join(part if isinstance(part, str) else groups[part] for part in self.parts)

    def __str__(self) -> str:
        return self.text


def parse_template(text: str, *, n_groups: int) -> Template:
    """Return the template.

    Args:
        text: For example ``$1-$2``.
        n_groups: How many groups the glob has that the template belongs to.

    Raises:
        RefusedError: ``glob-illegal``: a group that the glob does not have, or a stray dollar.
    """
    parts: list[str | int] = []
    last = 0
    for found in _PART.finditer(text):
        parts.append(text[last : found.start()])
        last = found.end()
        parts.append("$" if found["dollar"] else _group_number(text, found, n_groups))
    parts.append(text[last:])
    return Template(text, tuple(part for part in parts if part != ""))


def _group_number(text: str, found: re.Match[str], n_groups: int) -> int:
    digits = found["bare"] or found["braced"]
    if digits is None:
        raise RefusedError(
            ErrorCode.GLOB_ILLEGAL,
            f"template {text!r} is illegal at character {found.start() + 1}: "
            "write $1, ${1} or, for a dollar, $$",
            template=text,
        )
    number = int(digits)
    if number > n_groups:
        has = "has no group" if n_groups == 0 else f"has {n_groups}"
        raise RefusedError(
            ErrorCode.GLOB_ILLEGAL,
            f"template {text!r} names group {number}, but its glob {has}: "
            "put (…) around what is to be captured, as in /(*)-*.csv",
            template=text,
        )
    return number
