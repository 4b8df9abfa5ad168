import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.crons import check_cron
from pfs_provider.spec.spots import Notes, Spot


@pytest.mark.parametrize(
    "text", ["0 6 * * *", "*/5 * * * 1-5", "@daily", "@every 10m", "@every 1h30m", "@never"]
)
def test_a_cron_expression_passes(text: str) -> None:
    check_cron(text, Spot("spec", Notes()))


@pytest.mark.parametrize(
    "text", ["", "x", "61 * * * *", "* * * *", "* * * * * *", "@ever", "@every x"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=r"^spec "):
        check_cron(text, Spot("spec", Notes()))


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_what_never_ticks_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=r"never ticks: no such day"):
        check_cron(text, Spot("spec", Notes()))


def test_a_leap_day_comes() -> None:
    check_cron("0 0 29 2 *", Spot("spec", Notes()))
