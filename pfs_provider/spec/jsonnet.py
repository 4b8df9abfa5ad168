"""Renders templates of specs: Jsonnet, as Pachyderm's commands take them.

A template is a function of texts that gives a spec or a list of them, or just one or the other. It
sees its arguments and nothing else: no other file, no environment.
Must not know: what the documents mean. Source: docs/design/0015-templates.md.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NoReturn

from pfs_provider.errors import ErrorCode, RefusedError, extra_missing
from pfs_provider.spec.sources import Document, parse_documents, read_source

__all__ = ["render_jsonnet"]

_UNBOUND = re.compile(r"function parameter (\w+) not bound")
_UNKNOWN = re.compile(r"function has no parameter (\w+)")


def render_jsonnet(
    source: str | Path | IO[str] | IO[bytes], arguments: Mapping[str, str]
) -> list[Document]:
    """Return the documents that a template gives.

    Args:
        source: A path, a URL, or an open file.
        arguments: Values of its parameters, all text.

    Raises:
        RefusedError: ``spec-illegal``: it cannot be rendered; ``source-illegal``.
        NotFoundError: ``source-not-found``.
        UnavailableError: ``extra-missing``: Jsonnet is not installed; ``source-unavailable``.
    """
    try:
        import _jsonnet  # noqa: PLC0415 # lazy: an optional extra
    except ImportError:
        raise extra_missing("templates need Jsonnet", "jsonnet") from None
    name, data = read_source(source)
    try:
        text = data.decode("utf-8-sig")
        if arguments and not _is_function(text):
            _refuse(name, f"takes no arguments: leave {next(iter(arguments))} out")
        made = _jsonnet.evaluate_snippet(
            name, text, tla_vars=dict(arguments), import_callback=_no_imports
        )
    except UnicodeDecodeError as error:
        _refuse(name, f"is not UTF-8 text (byte {error.start + 1})")
    except RuntimeError as error:
        _refuse(name, _explain(str(error)))
    return parse_documents(made, name)


def _is_function(text: str) -> bool:
    import _jsonnet  # noqa: PLC0415 # lazy: an optional extra

    asked = f"std.isFunction((\n{text}\n))"
    answer: str = _jsonnet.evaluate_snippet("", asked, import_callback=_no_imports)
    return answer.strip() == "true"


def _no_imports(_folder: str, name: str) -> NoReturn:
    raise RuntimeError(f"a template sees no other file, so put {name} into it")


def _explain(error: str) -> str:
    """Return the first line of Jsonnet's own words, and the way out where there is one."""
    if found := _UNBOUND.search(error):
        return f"wants a value for {found[1]}: give --arg {found[1]}=VALUE"
    if found := _UNKNOWN.search(error):
        return f"has no parameter {found[1]}: take --arg {found[1]}=… away"
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    what = re.sub(r"^(STATIC|RUNTIME) ERROR: ", "", lines[0] if lines else "no reason given")
    where = lines[1].split("\t")[0] if len(lines) > 1 and ":" in lines[1] else ""
    return f"cannot be rendered: {what}" + (f" (at {where})" if where else "")


def _refuse(name: str, why: str) -> NoReturn:
    raise RefusedError(ErrorCode.SPEC_ILLEGAL, f"{name} {why}", source=name)
