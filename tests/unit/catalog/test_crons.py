from datetime import UTC, datetime, timedelta

import pytest

from pfs_provider.catalog.crons import check_cron, last_tick, next_tick
from pfs_provider.errors import RefusedError

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "tick"),
    [
        ("0 * * * *", NOON + timedelta(hours=1)),
        ("@daily", datetime(2026, 11, 22, tzinfo=UTC)),
        ("@every 1h30m", NOON + timedelta(minutes=90)),
        ("@every 250ms", NOON + timedelta(milliseconds=250)),
        ("@never", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_next_tick_is_strictly_later(cron: str, tick: datetime) -> None:
    assert next_tick(cron, NOON) == tick


@pytest.mark.parametrize(
    ("cron", "tick"),
    [
        ("0 * * * *", NOON),
        ("30 * * * *", NOON - timedelta(minutes=30)),
        ("@every 50m", NOON - timedelta(minutes=20)),
        ("@every 3h", None),
        ("@yearly", None),
        ("@never", None),
    ],
)
def test_the_last_tick_may_be_now(cron: str, tick: datetime | None) -> None:
    assert last_tick(cron, after=NOON - timedelta(hours=2), until=NOON) == tick


@pytest.mark.parametrize(
    "cron", ["", "daily", "* * *", "@every", "@every 0s", "@every soon", "61 * * * *", "0 0 31 2 *"]
)
def test_what_is_no_cron_is_refused(cron: str) -> None:
    with pytest.raises(RefusedError):
        check_cron(cron)
