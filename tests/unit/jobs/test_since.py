from datetime import UTC, datetime, timedelta

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.since import Since, parse_since

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("1.5h", timedelta(minutes=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("2026-05-04T11:00:00Z", timedelta(hours=1)),
        ("2026-05-04T13:00:00+02:00", timedelta(hours=1)),
        (timedelta(minutes=1), timedelta(minutes=1)),
        (NOW - timedelta(hours=3), timedelta(hours=3)),
    ],
)
def test_a_moment_or_how_long_ago(value: Since, ago: timedelta) -> None:
    assert parse_since(value, now=NOW) == NOW - ago


@pytest.mark.parametrize(
    "value",
    [
        "", "yesterday", "5", "-5m", "5 m", "1h-", "2026-05-04", "2026-05-04T11:00:00",
        "9" * 30 + "d", timedelta(seconds=-1), datetime(2026, 5, 4),  # noqa: DTZ001 the point
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_the_way_to_write_it(value: Since) -> None:
    with pytest.raises(RefusedError, match="1h30m") as raised:
        parse_since(value, now=NOW)

    assert raised.value.code == ErrorCode.TIME_ILLEGAL
