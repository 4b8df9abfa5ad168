"""What the reference pages must say of the code: tables of a page, signatures in its notation."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"

_RULE = re.compile(r"^\|[-:| ]+\|$")


def section_rows(page: str, heading: str) -> list[tuple[str, ...]]:
    """Return the rows of the table below a heading, without the table's own heading."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    after = f"\n{text}".partition(f"\n{heading}\n")[2]
    assert after, f"{page} has no heading {heading}"
    section = re.split(r"^#+ ", after, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [line.strip("|").split("|") for line in lines if not _RULE.match(line)]
    return [tuple(cell.strip() for cell in cells) for cells in rows[1:]]


def bare(cell: str) -> str:
    """Return a cell without its backticks."""
    return cell.strip("`")


def signature(function: Callable[..., object]) -> str:
    """Return how a method is called: names and defaults, no types."""
    words: list[str] = []
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        default = parameter.default
        end = "" if default is parameter.empty else f"={default!r}".replace("'", '"')
        words.append(parameter.name + end)
    return f"{function.__name__}({', '.join(words)})"


def gives(function: Callable[..., object]) -> str:
    """Return what a method gives, without modules; a context manager is ``with X``."""
    text = inspect.formatannotation(inspect.signature(function).return_annotation).strip("'")
    text = re.sub(r"<class '(\w+)'>", r"\1", text)
    text = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text).replace(" | ", " or ")
    if hasattr(function, "__wrapped__"):
        return text.replace("Iterator[", "with ").rstrip("]")
    return text


def public_methods(kind: type) -> dict[str, Callable[..., object]]:
    """Return the methods of a class that its users may call."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


def raised_codes() -> Iterator[tuple[str, str, Path]]:
    """Yield ``(code's name, class, file)`` wherever the library makes an error."""
    for path in sorted((ROOT / "pfs_provider").rglob("*.py")):
        if "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id=kind),
                    args=[ast.Attribute(value=ast.Name(id="ErrorCode"), attr=code), *_],
                ) if kind.endswith("Error"):
                    yield code, kind, path
