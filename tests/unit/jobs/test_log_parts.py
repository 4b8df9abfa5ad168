"""Parts of logs in the store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.clock import SystemClock
from pfs_provider.jobs import log_parts
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.jobs.log_parts import LogReader, find_tail, list_logs
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.storage.stores.open import open_store

JOB = parse_job_ref("up@0123456789ab4def8123456789abcdef")
ONE, TWO = b"\x01" * 16, b"\x02" * 16


@pytest.fixture
def objects() -> JobObjects:
    return _objects()


def _objects() -> JobObjects:
    return JobObjects(open_store("memory://"), SystemClock())


def test_logs_are_listed_by_datum_with_their_parts_in_order(objects: JobObjects) -> None:
    for datum, offset in ((TWO, 0), (ONE, 0), (ONE, 90), (ONE, 1000)):
        objects.replace(JOB.log(datum, offset), b"x" * 10)

    logs = list(list_logs(objects, JOB))
    assert [(log.datum, [part.offset for part in log.parts]) for log in logs] == [
        (ONE.hex(), [0, 90, 1000]),
        (TWO.hex(), [0]),
    ]
    assert [log.datum for log in list_logs(objects, JOB, {TWO.hex()})] == [TWO.hex()]
    many = {TWO.hex(), *(f"{n:032x}" for n in range(log_parts.MAX_LISTS))}
    assert [log.datum for log in list_logs(objects, JOB, many)] == [TWO.hex()]


@given(
    text=st.binary(max_size=60).map(lambda data: bytes(b"ab\n"[n % 3] for n in data)),
    cuts=st.lists(st.integers(0, 60), max_size=5),
    n_lines=st.integers(0, 8),
)
def test_however_a_log_grows_its_lines_are_the_same(
    text: bytes, cuts: list[int], n_lines: int
) -> None:
    objects = _objects()
    reader, lines = LogReader(objects), []
    bounds = sorted({0, *(cut for cut in cuts if cut < len(text))})
    for start, stop in zip(bounds, [*bounds[1:], len(text)], strict=True):
        for grown in ((start + stop) // 2, stop):  # each part is seen while it grows
            objects.replace(JOB.log(ONE, start), text[start:grown])
            for log in list_logs(objects, JOB):
                lines += [line for _, line in reader.read(log, is_whole=False)]
    logs = list(list_logs(objects, JOB))
    for log in logs:
        lines += [line for _, line in reader.read(log, is_whole=True)]

    want = text.split(b"\n") if text else []
    assert lines == (want[:-1] if text.endswith(b"\n") else want)
    number, offset = find_tail(objects, logs, n_lines)
    assert number == 0
    assert text[offset:].count(b"\n") >= min(n_lines, text.count(b"\n"))


def test_a_line_without_end_is_given_in_pieces(
    objects: JobObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_parts, "BLOCK_BYTES", 4)
    monkeypatch.setattr(log_parts, "MAX_LINE_BYTES", 6)
    objects.replace(JOB.log(ONE), b"x" * 20)

    (log,) = list_logs(objects, JOB)

    lines = [line for _, line in LogReader(objects).read(log, is_whole=True)]
    assert lines == [b"x" * 8, b"x" * 8, b"x" * 4]


def test_a_part_that_is_left_out_meanwhile_is_a_gap(objects: JobObjects) -> None:
    for offset in (0, 4, 8):
        objects.replace(JOB.log(ONE, offset), b"abc\n")
    (log,) = list_logs(objects, JOB)
    objects.delete([JOB.log(ONE, 4)])

    lines = [line for _, line in LogReader(objects).read(log, is_whole=True)]

    assert lines == [b"abc", b"[log cut here: 4 bytes left out]", b"abc"]
