r"""Reads a glob into a tree of small nodes.

Wildcards ``*``, ``**``, ``?``; classes ``[a-z]``, ``[!a]``, ``[[:alpha:]]``; choices ``{a,b}``;
groups ``(a|b)``, ``@(…)``, ``*(…)``, ``+(…)``, ``?(…)``, ``!(…)``; ``\c`` for the character itself.

Invariants: groups are numbered from 1 by their opening bracket; two literals never follow each
other; a position in an error counts characters of what the user wrote, from 1.
Must not know: regular expressions, trees, repos.
"""

from dataclasses import dataclass
from typing import Literal, NoReturn

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = [
    "AnyChar",
    "Choice",
    "Class",
    "DoubleStar",
    "Group",
    "GroupKind",
    "Node",
    "Pattern",
    "Star",
    "Text",
    "parse_glob",
]

GroupKind = Literal["@", "*", "+", "?", "!"]


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves."""

    text: str


@dataclass(frozen=True, slots=True)
class AnyChar:
    """``?``: one character that is not ``/``."""


@dataclass(frozen=True, slots=True)
class Star:
    """``*``: a run of characters that are not ``/``, maybe empty."""


@dataclass(frozen=True, slots=True)
class DoubleStar:
    """``**``: a run of any characters, maybe empty."""


@dataclass(frozen=True, slots=True)
class Class:
    """``[…]``: one character of the ranges, or with ``negated`` one of no range; ``/`` included."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool

    @property
    def has_slash(self) -> bool:
        """Whether the class matches ``/``."""
        return any(low <= ord("/") <= high for low, high in self.ranges) != self.negated


@dataclass(frozen=True, slots=True)
class Choice:
    """``{a,b}``: one of the options; captures nothing."""

    options: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Group:
    """``@(a|b)`` and its kin: ``kind`` says how often; captures the whole run that it matches."""

    kind: GroupKind
    number: int
    options: tuple["Pattern", ...]


Node = Text | AnyChar | Star | DoubleStar | Class | Choice | Group
Pattern = tuple[Node, ...]

MAX_DEPTH = 20
"""Brackets inside brackets. A reader gives up long before; the parser recurses."""

_POSIX: dict[str, tuple[tuple[int, int], ...]] = {
    name: tuple((ord(pair[0]), ord(pair[-1])) for pair in pairs)
    for name, pairs in {
        "alnum": ("09", "AZ", "az"),
        "alpha": ("AZ", "az"),
        "ascii": ("\x00\x7f",),
        "blank": ("\t", " "),
        "cntrl": ("\x00\x1f", "\x7f"),
        "digit": ("09",),
        "graph": ("!~",),
        "lower": ("az",),
        "print": (" ~",),
        "punct": ("!/", ":@", "[`", "{~"),
        "space": ("\t\r", " "),
        "upper": ("AZ",),
        "word": ("09", "AZ", "__", "az"),
        "xdigit": ("09", "AF", "af"),
    }.items()
}
_LAST_CHAR = 0x10FFFF


def parse_glob(text: str, *, added: int = 0) -> tuple[Pattern, int]:
    """Return the tree of a glob and the number of its groups.

    Args:
        text: The glob.
        added: How many characters at its start the user did not write.

    Raises:
        RefusedError: ``glob-illegal``, with the position and the way out.
    """
    parser = _Parser(text, added)
    pattern = parser.read_pattern("")
    return pattern, parser.n_groups


class _Parser:
    """Recursive descent over one text; ``at`` is the next character."""

    def __init__(self, text: str, added: int) -> None:
        self.text = text
        self.added = added
        self.at = 0
        self.depth = 0
        self.n_groups = 0

    def read_pattern(self, stops: str) -> Pattern:
        """Read until one of ``stops``, or the end, and leave it unread."""
        nodes: list[Node] = []
        literal: list[str] = []
        while self.at < len(self.text) and self.text[self.at] not in stops:
            node = self.read_node()
            if isinstance(node, Text):
                literal.append(node.text)
                continue
            if literal:
                nodes.append(Text("".join(literal)))
                literal.clear()
            nodes.append(node)
        if literal:
            nodes.append(Text("".join(literal)))
        return tuple(nodes)

    def read_node(self) -> Node:
        """Read one node."""
        char, start = self.text[self.at], self.at
        if char in "@*+?!" and self.text.startswith("(", self.at + 1):
            return self.read_group(char, start, width=2)  # type: ignore[arg-type]  # checked above
        self.at += 1
        match char:
            case "*":
                return self.read_star()
            case "?":
                return AnyChar()
            case "[":
                return self.read_class(start)
            case "(":
                self.at = start
                return self.read_group("@", start, width=1)
            case "{":
                return Choice(self.read_options(start, separator=",", closer="}"))
            case ")" | "}":
                self.refuse(
                    start, f"{char!r} closes nothing; write \\{char} for the character itself"
                )
            case "\\":
                return self.read_escape(start)
        return Text(char)

    def read_star(self) -> Node:
        """Read the rest of a run of stars; a star before ``(`` belongs to the group."""
        double = False
        while self.text.startswith("*", self.at) and not self.text.startswith("(", self.at + 1):
            self.at += 1
            double = True
        return DoubleStar() if double else Star()

    def read_escape(self, start: int) -> Text:
        """Read the character behind a backslash."""
        if self.at == len(self.text):
            self.refuse(start, "a backslash escapes nothing; write \\\\ for a backslash")
        self.at += 1
        return Text(self.text[self.at - 1])

    def read_group(self, kind: GroupKind, start: int, *, width: int) -> Group:
        """Read a group whose opening is ``width`` characters wide."""
        self.n_groups += 1
        number = self.n_groups
        self.at += width
        return Group(kind, number, self.read_options(start, separator="|", closer=")"))

    def read_options(self, start: int, *, separator: str, closer: str) -> tuple[Pattern, ...]:
        """Read what stands between brackets, and the closing one."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(start, f"brackets are nested deeper than {MAX_DEPTH}; simplify the glob")
        options = [self.read_pattern(separator + closer)]
        while self.text.startswith(separator, self.at):
            self.at += 1
            options.append(self.read_pattern(separator + closer))
        if self.at == len(self.text):
            opener = self.text[start]
            self.refuse(
                start,
                f"{opener!r} is not closed by {closer!r}; to mean the character, write \\{opener}",
            )
        self.at += 1
        self.depth -= 1
        return tuple(options)

    def read_class(self, start: int) -> Class:
        """Read a class; its ``[`` is read already."""
        negated = self.text[self.at : self.at + 1] in {"!", "^"}
        self.at += negated
        first = self.at
        ranges: list[tuple[int, int]] = []
        while self.at == first or not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                self.refuse(start, "'[' is not closed by ']'; write \\[ for the character itself")
            if self.text.startswith("[:", self.at):
                ranges += self.read_posix()
            else:
                ranges.append(self.read_range(start))
        self.at += 1
        return Class(tuple(ranges), negated)

    def read_range(self, start: int) -> tuple[int, int]:
        """Read ``a`` or ``a-z`` inside a class."""
        where = self.at
        low = self.read_member(start)
        after = self.text[self.at + 1 : self.at + 2]
        if not self.text.startswith("-", self.at) or after in {"", "]"}:
            return low, low
        self.at += 1
        high = self.read_member(start)
        if high < low:
            self.refuse(where, f"the range {chr(low)}-{chr(high)} runs backwards; swap its ends")
        return low, high

    def read_member(self, start: int) -> int:
        """Read one character of a class, which may be escaped."""
        if self.text.startswith("\\", self.at):
            self.at += 1
        if self.at >= len(self.text):
            self.refuse(start, "'[' is not closed by ']'; write \\[ for the character itself")
        self.at += 1
        return ord(self.text[self.at - 1])

    def read_posix(self) -> list[tuple[int, int]]:
        """Read ``[:alpha:]`` or ``[:^alpha:]`` inside a class."""
        end = self.text.find(":]", self.at + 2)
        if end < 0:
            self.refuse(
                self.at, "'[:' is not closed by ':]'; write \\[: for the characters themselves"
            )
        name = self.text[self.at + 2 : end]
        ranges = _POSIX.get(name.removeprefix("^"))
        if ranges is None:
            self.refuse(self.at, f"there is no class [:{name}:]; known are {', '.join(_POSIX)}")
        self.at = end + 2
        return _invert(ranges) if name.startswith("^") else list(ranges)

    def refuse(self, at: int, why: str) -> NoReturn:
        """Raise, naming the position in what the user wrote."""
        position = at - self.added + 1
        written = self.text[self.added :]
        raise RefusedError(
            ErrorCode.GLOB_ILLEGAL,
            f"glob {written!r} is illegal at character {position}: {why}",
            glob=written,
            position=position,
        )


def _invert(ranges: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if start < low:
            out.append((start, low - 1))
        start = high + 1
    return [*out, (start, _LAST_CHAR)]
