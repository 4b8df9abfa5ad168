"""When a cron expression ticks: five fields, ``@daily`` and its kin, ``@every 1h``, ``@never``.

Times are in UTC.

Must not know: what ticks are for.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["NEVER", "check_cron", "last_tick", "next_tick"]

NEVER: Final = "@never"
"""Ticks when told to alone (as in Pachyderm)."""
_EVERY: Final = "@every "
_FIELDS: Final = 5
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_ANY_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""What ticks at all ticks within some years of any day."""


def check_cron(text: str) -> None:
    """Return if the text is a cron expression. Raises RefusedError ``trigger-illegal``."""
    if text == NEVER:
        return
    if text.startswith(_EVERY):
        _period(text)
        return
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415 # lazy: as below

    if (text.startswith("@") or len(text.split()) == _FIELDS) and croniter.is_valid(text):
        try:
            croniter(text, _ANY_DAY).get_next()
        except CroniterBadDateError:
            raise RefusedError(
                ErrorCode.TRIGGER_ILLEGAL, f"{text!r} never ticks: no such day comes", cron=text
            ) from None
        return
    raise _illegal(text)


def next_tick(text: str, after: datetime) -> datetime:
    """Return the first tick later than ``after``; for never the last year that there is.

    Raises:
        RefusedError: ``trigger-illegal``.
    """
    check_cron(text)
    if text == NEVER:
        return datetime.max.replace(tzinfo=UTC)
    if text.startswith(_EVERY):
        return after + _period(text)
    from croniter import croniter  # noqa: PLC0415 # lazy: few branches have a cron trigger

    found: datetime = croniter(text, after).get_next(datetime)
    return found


def last_tick(text: str, *, after: datetime, until: datetime) -> datetime | None:
    """Return the last tick with ``after < tick <= until``, None if there is none.

    Raises:
        RefusedError: ``trigger-illegal``.
    """
    check_cron(text)
    if text == NEVER:
        return None
    if text.startswith(_EVERY):
        periods = (until - after) // _period(text)
        return None if periods < 1 else after + periods * _period(text)
    from croniter import croniter  # noqa: PLC0415 # lazy: few branches have a cron trigger

    # get_prev is strictly earlier, so begin just behind.
    found: datetime = croniter(text, until + timedelta(microseconds=1)).get_prev(datetime)
    return found if found > after else None


def _period(text: str) -> timedelta:
    words = text.removeprefix(_EVERY).strip()
    if not _PART.sub("", words):
        seconds = sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(words))
        if seconds > 0:
            return timedelta(seconds=seconds)
    raise _illegal(text)


def _illegal(text: str) -> RefusedError:
    return RefusedError(
        ErrorCode.TRIGGER_ILLEGAL,
        f"{text!r} is no cron expression: write minute, hour, day, month and weekday, as in "
        "'0 6 * * *', or '@daily', or '@every 10m'",
        cron=text,
    )
