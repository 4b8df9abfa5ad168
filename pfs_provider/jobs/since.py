"""From when on: a moment, or a length of time before now, as people write them. Pure."""

import re
from datetime import datetime, timedelta

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["Since", "parse_since"]

Since = str | timedelta | datetime
"""``24h``, ``1h30m``, ``2026-05-04T12:00:00Z``; or the value itself."""

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_WHOLE = re.compile(f"(?:{_PART.pattern})+")


def parse_since(value: Since, *, now: datetime) -> datetime:
    """Return the moment that is meant, aware UTC.

    Raises:
        RefusedError: ``time-illegal``: it is neither, has no time zone, or is out of all calendars.
    """
    try:
        moment = _parse(value, now)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise RefusedError(
            ErrorCode.TIME_ILLEGAL,
            f"since {str(value)!r} is no time: write how long ago, as in 90s, 10m, 1h30m or 2d, or "
            "a moment with its time zone, as in 2026-05-04T12:00:00Z",
            since=str(value),
        )
    return moment


def _parse(value: Since, now: datetime) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()
        if _WHOLE.fullmatch(text):
            seconds = sum(float(n) * _UNITS_S[unit] for n, unit in _PART.findall(text))
            value = timedelta(seconds=seconds)
        else:
            value = datetime.fromisoformat(text)
    if isinstance(value, timedelta):
        return None if value < timedelta() else now - value
    return None if value.tzinfo is None else value.astimezone(now.tzinfo)
