"""What a worker tells: whole lines of JSON, and not too many of user code's."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.worker.events import MAX_LINE_BYTES, MAX_USER_BYTES, EventLog, UserLines


class Gone(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def events(stream: io.StringIO) -> EventLog:
    return EventLog(stream, job="j", pipeline="p", worker="w-0")


def _told(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_line_that_says_when_and_of_whom(
    events: EventLog, stream: io.StringIO
) -> None:
    events.tell("datum-ended", level="error", datum="d", reason="a\nb ü")

    (line,) = _told(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "error", "event": "datum-ended", "job": "j", "pipeline": "p", "worker": "w-0",
        "datum": "d", "reason": "a\nb ü",
    }  # fmt: skip


def test_a_log_without_a_stream_keeps_silent() -> None:
    silent = EventLog()

    silent.tell("anything")

    assert not silent.is_on


def test_a_reader_that_has_gone_stops_no_work() -> None:
    EventLog(Gone()).tell("anything")


def test_lines_of_user_code_are_told_as_they_come(
    events: EventLog, stream: io.StringIO, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    lines = UserLines(events, log)
    lines.follow()
    lines.begin("d1")
    lines.follow()
    for text in ("one\ntw", "o\n", "\nthree"):
        with log.open("a") as file:
            file.write(text)
        lines.follow()

    assert [line["text"] for line in _told(stream)] == ["one", "two", ""]
    lines.follow(is_end=True)
    assert _told(stream)[-1] | {"time": ""} == {
        "time": "", "level": "info", "event": "user", "job": "j", "pipeline": "p",
        "worker": "w-0", "datum": "d1", "text": "three",
    }  # fmt: skip


def test_a_line_that_is_too_long_is_told_in_pieces(
    events: EventLog, stream: io.StringIO, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff" + b"x" * MAX_LINE_BYTES * 3)
    lines = UserLines(events, log)
    lines.begin("d1")

    lines.follow(is_end=True)

    told = "".join(line["text"] for line in _told(stream))
    assert told == "\ufffd" + "x" * MAX_LINE_BYTES * 3
    assert all(len(line["text"]) <= MAX_LINE_BYTES for line in _told(stream))


def test_a_datum_that_says_too_much_is_cut_and_the_next_is_not(
    events: EventLog, stream: io.StringIO, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"0123456\n" * MAX_USER_BYTES)
    lines = UserLines(events, log)
    lines.begin("d1")
    for _ in range(3):
        lines.follow()
    told = _told(stream)
    assert [line["event"] for line in told].count("user-lines-cut") == 1
    assert len(told) - 1 == MAX_USER_BYTES // 8

    log.write_bytes(b"next\n")
    lines.begin("d2")
    lines.follow()

    assert _told(stream)[-1]["text"] == "next"


def test_a_listener_hears_all_that_is_told_with_and_without_a_stream() -> None:
    heard: list[tuple[str, object]] = []
    events = EventLog(listener=lambda event, fields: heard.append((event, fields["datum"])))

    events.tell("datum-started", datum="d")

    assert events.is_on
    assert heard == [("datum-started", "d")]
