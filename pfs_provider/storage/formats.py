"""The envelope of everything this room writes as a record: kind, version, compressed body, tail.

Layout: ``PFS`` + kind (1 byte) + version (1 byte) + body length (u32 LE) + zstd(msgpack body) +
tail. The tail holds what does not compress (digests). Frozen; docs/internals/formats.md has every
byte.
Must not know: what the fields mean.
"""

import sys
from array import array
from enum import Enum
from typing import Any

import msgspec

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.compression import ZstdError, compress, decompress

__all__ = [
    "Kind",
    "pack_record",
    "pack_u32",
    "pack_u64",
    "unpack_record",
    "unpack_u32",
    "unpack_u64",
]

VERSION = 1
_MAGIC = b"PFS"
_HEADER = 9
_LITTLE = sys.byteorder == "little"


class Kind(Enum):
    """What a record is."""

    LEAF = b"L"
    INDEX = b"I"
    ROWS = b"R"
    DELTA = b"D"
    MANIFEST = b"M"


def pack_record(kind: Kind, fields: tuple[object, ...], tail: bytes = b"") -> bytes:
    """Return the bytes of a record; equal input gives equal bytes with one version of zstd."""
    body = compress(msgspec.msgpack.encode(fields))
    return b"".join(
        (_MAGIC, kind.value, bytes([VERSION]), len(body).to_bytes(4, "little"), body, tail)
    )


def unpack_record(kind: Kind, data: bytes, code: ErrorCode) -> tuple[list[Any], bytes]:
    """Return the fields and the tail of a record.

    Raises:
        CorruptDataError: with the given code: not a record of this kind and a known version.
    """
    if data[:4] != _MAGIC + kind.value or len(data) < _HEADER or data[4] != VERSION:
        raise CorruptDataError(code, f"not a {kind.name.lower()} record of version {VERSION}")
    end = _HEADER + int.from_bytes(data[5:9], "little")
    try:
        fields = msgspec.msgpack.decode(decompress(data[_HEADER:end]), type=list)
    except (ZstdError, msgspec.MsgspecError, ValueError) as error:
        raise CorruptDataError(
            code, f"a {kind.name.lower()} record cannot be decoded: {error}"
        ) from error
    return fields, data[end:]


def pack_u64(values: "array[int] | list[int]") -> bytes:
    """Return the numbers as u64, little-endian."""
    return _to_bytes("Q", values)


def pack_u32(values: "array[int] | list[int]") -> bytes:
    """Return the numbers as u32, little-endian."""
    return _to_bytes("I", values)


def unpack_u64(data: bytes) -> "array[int]":
    """Return the numbers that `pack_u64` wrote. Raises ValueError on a broken length."""
    return _from_bytes("Q", data)


def unpack_u32(data: bytes) -> "array[int]":
    """Return the numbers that `pack_u32` wrote. Raises ValueError on a broken length."""
    return _from_bytes("I", data)


def _to_bytes(code: str, values: "array[int] | list[int]") -> bytes:
    numbers = array(code, values)
    if not _LITTLE:
        numbers.byteswap()
    return numbers.tobytes()


def _from_bytes(code: str, data: bytes) -> "array[int]":
    numbers = array(code)
    numbers.frombytes(data)
    if not _LITTLE:
        numbers.byteswap()
    return numbers
