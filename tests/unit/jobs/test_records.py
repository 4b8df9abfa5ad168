"""Records keep what is put into them, and say so when they are damaged."""

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.jobs.records import (
    Claim,
    DatumRecord,
    MemoRecord,
    PieceRecord,
    SetRecord,
    decode,
    encode,
)

PIECE = PieceRecord("in", "default/in@master", "/é", is_dir=True, mode="empty", group_by="k")


def test_a_record_reads_back_as_it_was() -> None:
    for record in (
        Claim("worker-0", "i"),
        SetRecord(datums=[DatumRecord(b"i" * 16, b"k" * 32, [PIECE])]),
        MemoRecord(id=b"i" * 16, key=b"k" * 32, pieces=[PIECE], rows=b"rows"),
    ):
        assert decode(encode(record), type(record), name="x") == record


def test_fields_of_a_later_version_are_passed_over() -> None:
    data = encode(Claim("w", "i"))
    longer = bytes([data[0] + 1]) + data[1:] + b"\xa3new\x01"

    assert decode(longer, Claim, name="x") == Claim("w", "i")


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", encode(Claim("w", "i"))[:-1]])
def test_a_damaged_record_is_named(data: bytes) -> None:
    with pytest.raises(CorruptDataError) as raised:
        decode(data, Claim, name="jobs/x/claim")

    assert raised.value.code == ErrorCode.RECORD_CORRUPT
    assert "jobs/x/claim" in str(raised.value)
