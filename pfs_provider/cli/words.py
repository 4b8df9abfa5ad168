"""Sizes, times and progress as people read them.

Must not know: terminals. The time of day is an argument.
"""

from datetime import UTC, datetime

__all__ = ["age_text", "bar_text", "duration_text", "progress_text", "size_text", "time_text"]

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
BAR_CELLS = 8
KILO = 1024
SPANS = (("year", 31_536_000), ("month", 2_592_000), ("week", 604_800), ("day", 86_400),
         ("hour", 3_600), ("minute", 60), ("second", 1))  # fmt: skip


def size_text(size: int | None) -> str:
    """Return ``57.27KiB``, or ``-`` where the size is not known."""
    if size is None:
        return "-"
    shown, unit = float(size), 0
    while shown >= KILO and unit < len(UNITS) - 1:
        shown, unit = shown / KILO, unit + 1
    return f"{shown:.4g}{UNITS[unit]}" if unit else f"{size}B"


def time_text(at: datetime | None) -> str:
    """Return ISO 8601 in UTC with ``Z``, or ``-``."""
    return "-" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def duration_text(seconds: float) -> str:
    """Return the largest unit that fits, such as ``3 minutes``."""
    for name, length in SPANS:
        n = int(seconds // length)
        if n:
            return f"{n} {name}{'' if n == 1 else 's'}"
    return "less than a second"


def age_text(at: datetime | None, now: datetime) -> str:
    """Return ``3 minutes ago``, or ``-``."""
    return "-" if at is None else f"{duration_text((now - at).total_seconds())} ago"


def progress_text(*, processed: int, skipped: int, recovered: int, total: int) -> str:
    """Return ``processed + skipped / total``; recovered ones stand between, if there are any."""
    middle = f" + {recovered}" if recovered else ""
    return f"{processed} + {skipped}{middle} / {total}"


def bar_text(done: int, total: int) -> str:
    """Return a bar of eight cells."""
    filled = BAR_CELLS if total == 0 else BAR_CELLS * done // total
    return "▇" * filled + "-" * (BAR_CELLS - filled)
