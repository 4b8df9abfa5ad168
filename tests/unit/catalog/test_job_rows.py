from pfs_provider.catalog.job_rows import count_columns
from pfs_provider.catalog.values import Counts


def test_counts_become_columns() -> None:
    counts = Counts(total=5, processed=1, skipped=2, recovered=1, failed=1)

    assert count_columns(None) == {}
    assert count_columns(counts) == {
        "total": 5,
        "processed": 1,
        "skipped": 2,
        "recovered": 1,
        "failed": 1,
    }
