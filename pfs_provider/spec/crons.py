"""Checks cron expressions: five fields, ``@daily`` and its kin, ``@every 10m``, ``@never``.

Must not know: when they tick; that is the catalog's business.
"""

from datetime import UTC, datetime

from pfs_provider.spec.kinds import Duration
from pfs_provider.spec.spots import Spot

__all__ = ["NEVER", "check_cron"]

NEVER = "@never"
"""Ticks when told to alone."""
_EVERY = "@every "
_FIELDS = 5
_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""What ticks at all ticks within some years of any day."""


def check_cron(text: str, at: Spot) -> None:
    """Return if the text is a cron expression. Raises RefusedError ``spec-illegal``."""
    if text == NEVER:
        return
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415  # lazy: few specs have a cron input

    if text.startswith(_EVERY):
        Duration().read(text.removeprefix(_EVERY).strip(), at)
        return
    if (text.startswith("@") or len(text.split()) == _FIELDS) and croniter.is_valid(text):
        try:
            croniter(text, _ANY_DAY).get_next()
        except CroniterBadDateError:
            at.refuse(f'is "{text}", which never ticks: no such day comes')
        return
    at.refuse(
        f'is "{text}", but a cron expression is wanted: minute, hour, day, month, weekday, '
        'as in "0 6 * * *", or "@daily", or "@every 10m", or "@never"'
    )
