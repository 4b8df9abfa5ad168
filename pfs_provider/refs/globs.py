r"""Globs over paths of a repo, with captures: compiled to one anchored regular expression.

Semantics are those of Pachyderm's globs (docs/reference/globs.md): ``*`` and ``?`` stay within one
path element, ``**`` and classes do not have to. Two readings differ on purpose: a glob that holds
``**`` selects files only, and the root matches the glob ``/`` alone.

Invariants: a glob is compiled once per text; matching is a pure function of glob and path. Runs of
stars cannot backtrack into each other: a star whose neighbour can take over its characters is
atomic, and a repeated group that gains nothing from repeating is tried once. What remains: a
repeated group inside of another, as in ``*(*(a)*(b))``, may take exponential time on a long path
made for it.
Must not know: trees, repos, specs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.glob_syntax import (
    AnyChar,
    Choice,
    Class,
    DoubleStar,
    Group,
    Node,
    Pattern,
    Star,
    Text,
    parse_glob,
)

__all__ = ["Glob", "compile_glob"]

MAX_NEGATIONS = 8
"""``!(…)`` in one glob. Each may double the expression, as it has to look at all that follows."""

_CACHED_GLOBS = 256


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled glob.

    Attributes:
        text: The glob, with a leading slash and without a trailing one.
        pattern: Anchored; for a path with a leading and without a trailing slash. Its groups are
            the captures.
        prefix: Characters that every matching path begins with; at least ``/``.
        files_only: The glob holds ``**``: only files are to be taken, at any depth.
        depth: Number of elements of every matching path; 0 for the root; None if they differ.
        literal: The one path that matches, if the glob holds no wildcard at all.
        nodes: The glob as it was read, without trailing slashes.
    """

    text: str
    pattern: re.Pattern[str]
    prefix: str
    files_only: bool
    depth: int | None
    literal: str | None
    nodes: Pattern

    @property
    def n_groups(self) -> int:
        """How many captures the glob has."""
        return self.pattern.groups

    def match(self, path: str) -> tuple[str, ...] | None:
        """Return the captures, ``""`` for groups that took no part, or None if it does not match.

        Args:
            path: Absolute; a trailing slash is ignored.
        """
        found = self.pattern.match(path.rstrip("/") or "/")
        return None if found is None else found.groups("")

    def __str__(self) -> str:
        return self.text


@lru_cache(_CACHED_GLOBS)
def compile_glob(text: str) -> Glob:
    """Return the glob that the text means; a missing leading slash is added.

    Raises:
        RefusedError: ``glob-illegal``, with the position of what is wrong and the way out.
    """
    added = 0 if text.startswith("/") else 1
    nodes, _ = parse_glob("/" * added + text, added=added)
    nodes = _strip_slashes(nodes)
    if sum(node.kind == "!" for node in _walk(nodes) if isinstance(node, Group)) > MAX_NEGATIONS:
        raise RefusedError(
            ErrorCode.GLOB_ILLEGAL,
            f"glob {text!r} is illegal: it holds more than {MAX_NEGATIONS} negations !(…); "
            "list what they exclude in one, as in !(a|b)",
            glob=text,
        )
    is_root = not nodes
    expression = "/" if is_root else r"(?!/\Z)" + _emit(nodes, tail=r"\Z", capture=True)
    first = nodes[0] if nodes else Text("/")
    prefix = first.text if isinstance(first, Text) else "/"
    return Glob(
        text=_canonical_text(text, added, is_root=is_root),
        pattern=re.compile(rf"\A{expression}\Z", re.DOTALL),
        prefix=prefix,
        files_only=any(isinstance(node, DoubleStar) for node in _walk(nodes)),
        depth=0 if is_root else _count_elements(nodes),
        literal=prefix if nodes in {(), (first,)} else None,
        nodes=nodes,
    )


def _strip_slashes(nodes: Pattern) -> Pattern:
    last = nodes[-1]
    if not isinstance(last, Text) or not last.text.endswith("/"):
        return nodes
    text = last.text.rstrip("/")
    return (*nodes[:-1], Text(text)) if text else nodes[:-1]


def _canonical_text(text: str, added: int, *, is_root: bool) -> str:
    if is_root:
        return "/"
    stripped = text.rstrip("/")
    return "/" * added + (stripped if not stripped.endswith("\\") else text)


def _walk(nodes: Pattern) -> Iterator[Node]:
    for node in nodes:
        yield node
        if isinstance(node, Choice | Group):
            for option in node.options:
                yield from _walk(option)


def _has_slash(nodes: Pattern) -> bool:
    return any(
        isinstance(node, DoubleStar)
        or (isinstance(node, Text) and "/" in node.text)
        or (isinstance(node, Class) and node.has_slash)
        for node in _walk(nodes)
    )


def _count_elements(nodes: Pattern) -> int | None:
    count = 0
    for node in nodes:
        if isinstance(node, Text):
            count += node.text.count("/")
        elif _has_slash((node,)):
            return None
    return count


# -- from nodes to a regular expression


def _emit(nodes: Pattern, *, tail: str, capture: bool) -> str:
    """Return the expression of a sequence.

    Args:
        nodes: The sequence.
        tail: What has to follow it up to the end; negations look at it.
        capture: False where the same groups are written a second time, for looking ahead.
    """
    out: list[str] = []
    at = 0
    while at < len(nodes):
        node = nodes[at]
        if isinstance(node, Star | DoubleStar):
            at, text = _emit_star(nodes, at)
        else:
            at += 1
            text = _emit_node(node, nodes[at:], tail=tail, capture=capture)
        out.append(text)
    return "".join(out)


def _emit_star(nodes: Pattern, at: int) -> tuple[int, str]:
    """Return the expression of a run of stars and the index behind what it covers.

    Between two stars of which the second can take all that the first can, the first need only be
    tried at its shortest: whatever a longer one would leave, the second star can take too.
    """
    double = False
    while at < len(nodes) and isinstance(nodes[at], Star | DoubleStar):
        double = double or isinstance(nodes[at], DoubleStar)
        at += 1
    star = ".*" if double else "[^/]*"
    end = at
    while end < len(nodes) and _is_fixed(nodes[end]):
        end += 1
    if end in {at, len(nodes)} or not isinstance(nodes[end], Star | DoubleStar):
        return at, star
    if double and not isinstance(nodes[end], DoubleStar):
        return at, star
    return end, f"(?>{star}?{_emit(nodes[at:end], tail='', capture=False)})"


def _is_fixed(node: Node) -> bool:
    return isinstance(node, Text | AnyChar) or (isinstance(node, Class) and not node.has_slash)


def _emit_node(
    node: Text | AnyChar | Class | Choice | Group, rest: Pattern, *, tail: str, capture: bool
) -> str:
    match node:
        case Text(text):
            return re.escape(text)
        case AnyChar():
            return "[^/]"
        case Class():
            return _emit_class(node)
        case Choice(options):
            following = _following(options, rest, tail)
            return f"(?:{_emit_options(options, tail=following, capture=capture)})"
        case Group():
            return _emit_group(node, rest, tail=tail, capture=capture)
        case _:
            assert_never(node)


def _emit_group(group: Group, rest: Pattern, *, tail: str, capture: bool) -> str:
    opener = "(" if capture else "(?:"
    if group.kind == "!":
        after = _emit(rest, tail=tail, capture=False) + tail
        inner = _emit_options(group.options, tail=after, capture=capture)
        return f"{opener}(?!(?:{inner}){after})[^/]*)"
    following = _following(group.options, rest, tail)
    inner = _emit_options(group.options, tail=following, capture=capture)
    if group.kind == "@":
        return f"{opener}{inner})"
    return f"{opener}(?:{inner}){_quantifier(group)})"


def _quantifier(group: Group) -> str:
    """Return how often the group's options are tried, at most once where more gains nothing."""
    if group.kind == "?" or not _absorbs_itself(group.options):
        return group.kind
    return "?" if group.kind == "*" else ""


def _absorbs_itself(options: tuple[Pattern, ...]) -> bool:
    """Return whether options repeated match nothing that one of them does not match alone.

    ``+(*.csv|*.txt)`` is the case in mind: tried again and again, it would take exponential time.
    """
    if any(isinstance(node, Group) for option in options for node in _walk(option)):
        return False
    if any(not option for option in options):
        return False
    wide = DoubleStar if any(map(_has_slash, options)) else Star | DoubleStar
    if len(options) == 1:
        return any(isinstance(node, wide) for node in options[0])
    return all(isinstance(option[0], wide) for option in options) or all(
        isinstance(option[-1], wide) for option in options
    )


def _following(options: tuple[Pattern, ...], rest: Pattern, tail: str) -> str:
    """Return what follows the options, if a negation in them wants to know."""
    if any(isinstance(n, Group) and n.kind == "!" for option in options for n in _walk(option)):
        return _emit(rest, tail=tail, capture=False) + tail
    return tail


def _emit_options(options: tuple[Pattern, ...], *, tail: str, capture: bool) -> str:
    return "|".join(_emit(option, tail=tail, capture=capture) for option in options)


def _emit_class(node: Class) -> str:
    members = "".join(
        re.escape(chr(low)) if low == high else f"{re.escape(chr(low))}-{re.escape(chr(high))}"
        for low, high in node.ranges
    )
    return f"[{'^' if node.negated else ''}{members}]"
