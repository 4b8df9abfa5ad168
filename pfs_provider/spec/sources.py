"""Gets the documents of a spec file: from a path, a URL, an open file, or a mapping.

JSON (several documents may follow each other) and YAML (``---`` between them, read by the rules of
YAML 1.2, so that ``on`` and ``12:30`` stay text). A key that stands twice in one object is refused.
Must not know: what the documents mean.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

import yaml

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError, UnavailableError

__all__ = ["Document", "Source", "parse_documents", "read_documents", "read_source"]

Document = Mapping[str, object]
Source = str | Path | Document | Sequence[Document] | IO[str] | IO[bytes]

MAX_BYTES = 8 * 2**20
"""Of one spec file. A spec is some kilobytes; more is a mistaken file."""
TEMPLATE_ENDING = ".jsonnet"
"""Such files are templates, rendered by jsonnet.py."""
TIMEOUT_S = 30
"""For a URL to answer."""
_HTTP_NOT_FOUND = {404, 410}


def read_documents(source: Source) -> tuple[str, list[Document]]:
    """Return where the documents come from, for messages, and the documents.

    Raises:
        RefusedError: ``spec-illegal``: neither JSON nor YAML, or no document in it;
            ``source-illegal``: a folder, too large, or not UTF-8.
        NotFoundError: ``source-not-found``: no such file or page.
        UnavailableError: ``source-unavailable``: the file cannot be read, the URL does not answer.
    """
    if isinstance(source, Mapping):
        return "the spec", [source]
    if isinstance(source, Sequence) and not isinstance(source, str):
        return "the specs", _check_documents(source, "the specs")
    if isinstance(source, str) and source.lstrip()[:1] == "{":
        return "the spec", _parse(source.encode(), "the spec")
    name, data = read_source(source)
    if name.endswith(TEMPLATE_ENDING):
        raise _unreadable(
            name,
            "is a template, which has to be rendered with its arguments: "
            "name it as --jsonnet FILE --arg NAME=VALUE, or use Pfs.render_specs",
        )
    return name, _parse(data, name)


def parse_documents(text: str, name: str) -> list[Document]:
    """Return the documents of a text. Raises RefusedError ``spec-illegal``."""
    return _parse(text.encode(), name)


def read_source(source: str | Path | IO[str] | IO[bytes]) -> tuple[str, bytes]:
    """Return where the bytes come from, for messages, and the bytes.

    Raises:
        RefusedError: ``source-illegal``: a folder, or too large.
        NotFoundError: ``source-not-found``: no such file or page.
        UnavailableError: ``source-unavailable``: the file cannot be read, the URL does not answer.
    """
    if isinstance(source, str | Path):
        name = str(source)
        data = _read_url(name) if _is_url(name) else _read_path(Path(source))
    else:
        name = str(getattr(source, "name", "the input"))
        read = source.read(MAX_BYTES + 1)
        data = read.encode() if isinstance(read, str) else read
    if len(data) > MAX_BYTES:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{name} is larger than {MAX_BYTES // 2**20} MiB: this is no pipeline spec",
            source=name,
        )
    return name, data


def _is_url(text: str) -> bool:
    return re.match(r"(https?|file)://", text, re.IGNORECASE) is not None


def _read_path(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(
            ErrorCode.SOURCE_NOT_FOUND,
            f"there is no file {path}: name a spec file, a URL, or - for standard input",
            source=str(path),
        ) from None
    except IsADirectoryError:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{path} is a folder: name the spec file in it",
            source=str(path),
        ) from None
    except OSError as error:
        raise UnavailableError(
            ErrorCode.SOURCE_UNAVAILABLE,
            f"{path} cannot be read: {error.strerror}",
            source=str(path),
        ) from error


def _read_url(url: str) -> bytes:
    shown = re.sub(r"//[^/@]*@", "//", url)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  # _is_url allows http(s) and file
            return cast("bytes", answer.read(MAX_BYTES + 1))
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
        if status in _HTTP_NOT_FOUND:
            raise NotFoundError(
                ErrorCode.SOURCE_NOT_FOUND,
                f"there is nothing at {shown} (HTTP {status}): check the URL",
                source=shown,
            ) from None
        raise UnavailableError(
            ErrorCode.SOURCE_UNAVAILABLE, f"{shown} answered with HTTP {status}", source=shown
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(
            ErrorCode.SOURCE_UNAVAILABLE, f"{shown} cannot be read: {reason}", source=shown
        ) from error


def _parse(data: bytes, name: str) -> list[Document]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{name} is not UTF-8 text (byte {error.start + 1}): this is no pipeline spec",
            source=name,
        ) from error
    looks_like_json = text.lstrip()[:1] in {"{", "["}
    try:
        found = _parse_json(text) if looks_like_json else _parse_yaml(text)
    except _DuplicateKeyError as error:
        raise _unreadable(name, str(error)) from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        flow = _try_flow_yaml(text) if looks_like_json else None
        if flow is None:
            raise _unreadable(name, f"is neither JSON nor YAML: {_reason(error)}") from error
        found = flow
    flat = (each for item in found for each in (item if isinstance(item, list) else [item]))
    return _check_documents([item for item in flat if item is not None], name)


def _check_documents(found: Iterable[object], name: str) -> list[Document]:
    out: list[Document] = []
    for item in found:
        if not isinstance(item, Mapping):
            raise _unreadable(name, 'holds no object: a spec begins with "pipeline"')
        out.append(item)
    if not out:
        raise _unreadable(name, "is empty: write at least one pipeline spec")
    return out


def _unreadable(name: str, why: str) -> RefusedError:
    return RefusedError(ErrorCode.SPEC_ILLEGAL, f"{name} {why}", source=name)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)


# -- JSON


class _DuplicateKeyError(Exception):
    """A key stands twice in one object."""

    def __init__(self, key: object) -> None:
        super().__init__(f"has the key {key!r} twice in one object: remove one of them")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    out: dict[str, object] = {}
    for key, value in pairs:
        if key in out:
            raise _DuplicateKeyError(key)
        out[key] = value
    return out


def _parse_json(text: str) -> list[object]:
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    found: list[object] = []
    at = 0
    while rest := re.compile(r"[\s,]*").match(text, at):
        at = rest.end()
        if at == len(text):
            break
        item, at = decoder.raw_decode(text, at)
        found.append(item)
    return found


# -- YAML


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core types: true and false, decimal numbers, null; all else is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own way

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Return a mapping whose keys are all different."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise _DuplicateKeyError(key.value)
                seen.add(key.value)
        return cast("dict[object, object]", super().construct_mapping(node, deep=deep))


_RESOLVERS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL", "~nN"),
    ("null", r"", ""),
    ("merge", r"<<", "<"),
)
for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first) or [""]
    )


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))  # PyYAML's own reads 010 as eight


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def _parse_yaml(text: str) -> list[object]:
    return list(yaml.load_all(text, Loader=_Loader))  # a SafeLoader with fewer types


def _try_flow_yaml(text: str) -> list[object] | None:
    """Return the documents if what begins like JSON is YAML's flow style after all."""
    try:
        return _parse_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError, _DuplicateKeyError):
        return None
