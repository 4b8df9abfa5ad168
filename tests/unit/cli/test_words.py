from datetime import UTC, datetime, timedelta, timezone

import pytest

from pfs_provider.cli.words import (
    age_text,
    bar_text,
    duration_text,
    progress_text,
    size_text,
    time_text,
)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "-"), (0, "0B"), (1023, "1023B"), (1024, "1KiB"), (58_644, "57.27KiB"),
     (3 << 30, "3GiB"), (1 << 70, "1.049e+06PiB")],
)  # fmt: skip
def test_sizes_are_in_binary_units(size: int | None, text: str) -> None:
    assert size_text(size) == text


def test_times_are_utc() -> None:
    assert time_text(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-01-02T03:04:05Z"
    assert time_text(None) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "less than a second"), (1, "1 second"), (119, "1 minute"), (7200, "2 hours"),
     (-5, "less than a second"), (40 * 86_400, "1 month")],
)  # fmt: skip
def test_durations_are_in_the_largest_unit(seconds: float, text: str) -> None:
    assert duration_text(max(seconds, 0)) == text


def test_ages_end_in_ago() -> None:
    assert age_text(AT, AT + timedelta(days=2)) == "2 days ago"
    assert age_text(None, AT) == "-"


def test_progress_counts_what_was_done_and_what_was_not_needed() -> None:
    assert progress_text(processed=1, skipped=2, recovered=0, total=3) == "1 + 2 / 3"
    assert progress_text(processed=1, skipped=2, recovered=4, total=7) == "1 + 2 + 4 / 7"


def test_a_bar_has_eight_cells() -> None:
    assert bar_text(0, 3) == "--------"
    assert bar_text(1, 2) == "▇▇▇▇----"
    assert bar_text(0, 0) == "▇▇▇▇▇▇▇▇"
