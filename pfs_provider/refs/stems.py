"""Stems: how every path begins for which a glob and a template give a certain text.

``/(*)-*.csv`` and the template ``$1`` give ``x`` for paths that begin with ``/x-``, and for no
others. Paths lie in that order, so what has a key is found without reading the rest.

Invariants: pure; no path that gives the text begins otherwise. One that begins so may still give
another text, or not match at all. Must not know: trees, datums.
"""

from collections.abc import Iterable

from pfs_provider.refs.glob_syntax import Group, Pattern, Text
from pfs_provider.refs.globs import Glob
from pfs_provider.refs.templates import Template

__all__ = ["find_stems"]

MAX_STEPS = 1024
"""Tries to read one text as a template: ``$1$2`` may be read in as many ways as it has places."""

Captures = dict[int, str]


def find_stems(glob: Glob, template: Template, texts: Iterable[str]) -> list[str] | None:
    """Return how the paths begin that give one of the texts, in path order, none within another.

    Args:
        glob: What the paths match.
        template: Over the glob's groups.
        texts: What it is to give.

    Returns:
        None if that says no more than the glob itself does; nothing if no path gives the texts.
    """
    found: set[bytes] = set()
    for text in texts:
        ways = _read(template.parts, text)
        if ways is None:
            return None
        for captures in ways:
            stem = _stem(glob, captures)
            if len(stem) <= len(glob.prefix):
                return None
            found.add(stem.encode())
    stems: list[bytes] = []
    for stem_bytes in sorted(found):
        if not stems or not stem_bytes.startswith(stems[-1]):
            stems.append(stem_bytes)
    return [stem.decode() for stem in stems]


def _read(parts: tuple[str | int, ...], text: str) -> list[Captures] | None:
    """Return what groups may have captured, so that a template gives the text; None if too much."""
    ways: list[Captures] = []
    todo: list[tuple[int, int, Captures]] = [(0, 0, {})]  # parts read, characters read, captures
    for _ in range(MAX_STEPS):
        if not todo:
            return ways
        n_parts, at, known = todo.pop()
        if n_parts == len(parts):
            ways += [known] * (at == len(text))
            continue
        part = parts[n_parts]
        there = part if isinstance(part, str) else known.get(part)
        if isinstance(part, int) and there is None:
            ends = range(at, len(text) + 1) if n_parts + 1 < len(parts) else (len(text),)
            todo += [(n_parts + 1, end, {**known, part: text[at:end]}) for end in ends]
        elif there is not None and text.startswith(there, at):
            todo.append((n_parts + 1, at + len(there), known))
    return None


def _stem(glob: Glob, captures: Captures) -> str:
    """Return the longest text that a path with these captures begins with for sure."""
    if 0 in captures:  # the path itself
        return captures[0]
    return _walk(glob.nodes, captures)[0]


def _walk(nodes: Pattern, captures: Captures) -> tuple[str, bool]:
    """Return how the text begins that a pattern matches, and whether that is all of it."""
    stem = ""
    for node in nodes:
        if isinstance(node, Text):
            stem += node.text
        elif not isinstance(node, Group):
            return stem, False
        elif node.number in captures:
            stem += captures[node.number]
        elif node.kind == "@" and len(node.options) == 1:
            inner, is_all = _walk(node.options[0], captures)
            stem += inner
            if not is_all:
                return stem, False
        else:
            return stem, False
    return stem, True
