import random

import pytest

from pfs_provider.storage.compression import (
    ZstdError,
    compress,
    compress_if_smaller,
    decompress,
)


def test_what_is_compressed_comes_back() -> None:
    assert decompress(compress(b"hello" * 100)) == b"hello" * 100


def test_what_does_not_shrink_is_not_compressed() -> None:
    assert compress_if_smaller(random.Random(1).randbytes(10_000)) is None
    assert compress_if_smaller(bytes(10_000)) is not None


def test_other_bytes_are_an_error() -> None:
    with pytest.raises(ZstdError):
        decompress(b"nothing of that kind")
