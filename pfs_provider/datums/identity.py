"""What makes two datums the same (id), and two results the same (key).

Formats are frozen: ids and keys are stored. tests/golden holds examples.

- id: 16 bytes of BLAKE3 over input name, repo, branch and path of every piece: stable across
  commits.
- code digest: BLAKE3 over what decides the code's behaviour.
- key: BLAKE3 over the code digest and, of every piece, input name, path, how the code sees it, and
  (unless it is a reference) its content. Equal key means equal result.

Invariant: every field is preceded by its length, so that no two different inputs give one text.
Must not know: trees, memos. Source: docs/design/0004-datum-identity.md.
"""

import json
from collections.abc import Iterable

from blake3 import blake3

from pfs_provider.datums.datum import Datum, Piece, PieceSource
from pfs_provider.spec.model import PipelineSpec

__all__ = ["DATUM_ID_BYTES", "code_digest", "datum_id", "datum_key", "whole_digest"]

DATUM_ID_BYTES = 16
"""Enough that ids made by chance never meet (2**64 datums for an even chance)."""

_ID_TAG = b"pfs datum id 1\0"
_KEY_TAG = b"pfs datum key 1\0"
_CODE_TAG = b"pfs code 1\0"
_WHOLE_TAG = b"pfs whole input 1\0"


def datum_id(datum: Datum) -> bytes:
    """Return the name of a datum: the same in every commit that has its paths."""
    parts = [_ID_TAG]
    for piece in datum.pieces:
        path = piece.path.encode()
        tag = piece.source.tag
        parts += (_length(tag), tag, _length(path), path)
    return blake3(b"".join(parts)).digest(DATUM_ID_BYTES)


def datum_key(datum: Datum, code: bytes) -> bytes:
    """Return what the datum's result depends on, in 32 bytes.

    Args:
        datum: The datum.
        code: The digest of the code, with whatever else is to keep old results from being used.
    """
    parts = [_KEY_TAG, _length(code), code]
    for piece in datum.pieces:
        parts += _piece_parts(piece)
    return blake3(b"".join(parts)).digest()


def code_digest(spec: PipelineSpec, *, image_digest: str = "") -> bytes:
    """Return what a result depends on besides its inputs, in 32 bytes.

    Args:
        spec: The pipeline.
        image_digest: The image's own digest, where it is known.
    """
    transform = spec.transform
    facts: dict[str, object] = {"s3_out": spec.s3_out, "salt": spec.salt}
    if spec.reprocess_on_code_change:
        facts |= {
            "image": transform.image,
            "image_digest": image_digest,
            "cmd": transform.cmd,
            "stdin": transform.stdin,
            "err_cmd": transform.err_cmd,
            "err_stdin": transform.err_stdin,
            "env": dict(transform.env),
            "working_dir": transform.working_dir,
        }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return blake3(_CODE_TAG + text.encode()).digest()


def whole_digest(datums: Iterable[Datum], code: bytes) -> bytes:
    """Return what results depend on that go into one place together, in 32 bytes.

    Code that writes to a bucket (``s3_out``) leaves no trace of which datum wrote what, so that one
    datum's result is as good as all of them.
    """
    whole = blake3(_WHOLE_TAG + _length(code) + code)
    for datum in datums:
        whole.update(datum_key(datum, code))
    return whole.digest()


def _length(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little")


def _piece_parts(piece: Piece) -> tuple[bytes, ...]:
    source = piece.source
    name, path = source.input.encode(), piece.path.encode()
    mode = piece.is_dir | _source_mode(source)
    content = b"" if source.reference else piece.digest
    if piece.join_on is None and piece.group_by is None:  # nearly always, so it is kept fast
        keys = _NO_KEYS
    else:
        mode |= (piece.join_on is not None) << 5 | (piece.group_by is not None) << 6
        joined, grouped = (piece.join_on or "").encode(), (piece.group_by or "").encode()
        keys = _length(joined) + joined + _length(grouped) + grouped
    head = bytes((mode,))
    return head, _length(name), name, _length(path), path, _length(content), content, keys


def _source_mode(source: PieceSource) -> int:
    return source.lazy << 1 | source.empty_files << 2 | source.s3 << 3 | source.reference << 4


_NO_KEYS = _length(b"") * 2
