from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from pfs_provider.catalog.tables import ACTIVE_STATES, IS_ACTIVE, METADATA, UtcTime
from pfs_provider.catalog.values import ACTIVE_JOB_STATES

ELSEWHERE = datetime(2026, 1, 1, 3, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))
HERE = datetime(2026, 1, 1, 1, 0, 0, 7, tzinfo=UTC)


def test_no_table_of_others_is_among_ours() -> None:
    assert METADATA is not SQLModel.metadata
    assert all(name.startswith("pfs_") for name in METADATA.tables)


def test_times_are_utc_on_both_engines() -> None:
    dialects = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call] # theirs
    for dialect in dialects:
        column = UtcTime()
        stored = column.process_bind_param(ELSEWHERE, dialect)
        assert column.process_result_value(stored, dialect) == HERE
        assert column.process_bind_param(None, dialect) is None
        assert column.process_result_value(None, dialect) is None


def test_the_index_of_active_jobs_knows_all_their_states() -> None:
    assert ACTIVE_STATES == ACTIVE_JOB_STATES
    assert all(f"'{state}'" in str(IS_ACTIVE) for state in ACTIVE_STATES)
