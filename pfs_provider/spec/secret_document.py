"""A Kubernetes Secret as people write it, which ``pachctl create secret`` takes too.

Pure. Invariant: no value is in a message. Must not know: where secrets are kept.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from pfs_provider.errors import ErrorCode, PfsError, RefusedError
from pfs_provider.spec.sources import Document, Source, read_documents

__all__ = ["SecretDocument", "read_secrets"]


@dataclass(frozen=True, slots=True)
class SecretDocument:
    """A secret and the values of its keys."""

    name: str
    values: Mapping[str, bytes] = field(repr=False)


def read_secrets(source: Source) -> list[SecretDocument]:
    """Return the secrets of a file: JSON or YAML, ``kind: Secret``, one or more.

    Raises:
        RefusedError: ``secret-illegal``: it is no Secret, or a value is no base64.
        PfsError: As ``read_documents`` for what cannot be read.
    """
    try:
        name, documents = read_documents(source)
    except PfsError as error:
        if error.code != ErrorCode.SPEC_ILLEGAL:
            raise
        # What a parser quotes of a file may be a value.
        raise RefusedError(
            ErrorCode.SECRET_ILLEGAL, "the secret's file is neither JSON nor YAML"
        ) from None
    name = "the secret" if name in {"the spec", "the specs"} else name
    return [_read(document, name) for document in documents]


def _read(document: Document, source: str) -> SecretDocument:
    if document.get("kind") != "Secret":
        _refuse(source, 'has no "kind": "Secret": write it as for Kubernetes')
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not name:
        _refuse(source, "has no metadata.name")
    values = {key: _decode(key, value, source) for key, value in _entries(document, "data", source)}
    for key, value in _entries(document, "stringData", source):
        if not isinstance(value, str):
            _refuse(source, f"has no text in stringData.{key}: put it into quotes")
        values[key] = value.encode()
    return SecretDocument(name, values)


def _entries(document: Document, field_name: str, source: str) -> list[tuple[str, object]]:
    found = document.get(field_name) or {}
    if not isinstance(found, Mapping):
        _refuse(source, f"has no table in {field_name}: write key and value")
    return [(str(key), value) for key, value in found.items()]


def _decode(key: str, value: object, source: str) -> bytes:
    try:
        return base64.b64decode("".join(str(value).split()), validate=True)
    except binascii.Error:
        _refuse(source, f"has no base64 in data.{key}: encode it, or write it below stringData")


def _refuse(source: str, what: str) -> NoReturn:
    raise RefusedError(ErrorCode.SECRET_ILLEGAL, f"{source} {what}", source=source)
