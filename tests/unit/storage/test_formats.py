import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.formats import (
    Kind,
    pack_record,
    pack_u32,
    pack_u64,
    unpack_record,
    unpack_u32,
    unpack_u64,
)


def test_a_record_gives_back_fields_and_tail() -> None:
    data = pack_record(Kind.DELTA, (1, b"x", "y"), b"tail")

    assert unpack_record(Kind.DELTA, data, ErrorCode.RECORD_CORRUPT) == ([1, b"x", "y"], b"tail")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda data: data[:8],
        lambda data: b"X" + data[1:],
        lambda data: data[:3] + b"L" + data[4:],
        lambda data: data[:4] + b"\x02" + data[5:],
        lambda data: data[:12] + b"\xff\xff" + data[14:],
        lambda data: data[:9],
    ],
    ids=["empty", "short", "magic", "kind", "version", "body", "no-body"],
)
def test_anything_else_is_corrupt(spoil: object) -> None:
    data = pack_record(Kind.DELTA, (1, b"x"))
    assert callable(spoil)

    with pytest.raises(CorruptDataError) as caught:
        unpack_record(Kind.DELTA, spoil(data), ErrorCode.RECORD_CORRUPT)

    assert caught.value.code == ErrorCode.RECORD_CORRUPT


def test_numbers_are_little_endian() -> None:
    assert pack_u32([1, 256]) == b"\1\0\0\0\0\1\0\0"
    assert pack_u64([1]) == b"\1\0\0\0\0\0\0\0"
    assert list(unpack_u32(pack_u32([7, 2**32 - 1]))) == [7, 2**32 - 1]
    assert list(unpack_u64(pack_u64([2**64 - 1]))) == [2**64 - 1]
