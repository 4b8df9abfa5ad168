"""zstd, from the standard library where it has it (3.14), else from its backport.

Invariant: what one version compresses every other decompresses; compressed bytes may differ between
versions, so nothing may be named by them alone unless it is read back under that name.
"""

import sys

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError
    from compression.zstd import compress as _compress
    from compression.zstd import decompress as _decompress
else:
    from backports.zstd import ZstdError
    from backports.zstd import compress as _compress
    from backports.zstd import decompress as _decompress

__all__ = ["ZstdError", "compress", "compress_if_smaller", "decompress"]

_LEVEL = 1
_WORTH = 15
"""Sixteenths: what does not shrink below 15/16 is stored as it is, and read without a copy."""


def compress(data: bytes | bytearray | memoryview) -> bytes:
    """Return the data as one zstd frame at the fastest ordinary level."""
    return _compress(data, level=_LEVEL)


def compress_if_smaller(data: bytes | bytearray | memoryview) -> bytes | None:
    """Return the data as one zstd frame, None where that does not pay."""
    packed = compress(data)
    return packed if len(packed) * 16 < len(data) * _WORTH else None


def decompress(data: bytes | bytearray | memoryview) -> bytes:
    """Return what was compressed. Raises ZstdError."""
    return _decompress(data)
