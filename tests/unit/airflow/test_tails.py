from pathlib import Path

from pfs_provider.airflow.tails import MAX_DATUMS, MAX_LINES, failed_tails
from pfs_provider.pfs import Pfs
from tests.unit.airflow.test_checks import copy_spec


def _failed(home: Path, command: str, *, files: int) -> list[str]:
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        spec = copy_spec(command) | {"datum_tries": 1}
        pfs.create_pipeline(spec)
        with pfs.commit("images@master") as commit:
            for number in range(files):
                commit.put_file(f"/{number:02}", b"x")
        (job,) = pfs.run("copy")
        return list(failed_tails(pfs, job))


def test_the_last_lines_of_a_failed_datum_are_told_with_its_files(pfs_home: Path) -> None:
    (text,) = _failed(pfs_home, "seq 1000; exit 3", files=1)

    head, *lines = text.splitlines()
    assert "images@" in head
    assert ":/00" in head
    assert "exit code 3" in head
    assert len(lines) == MAX_LINES
    assert lines[-1].strip() == "1000"


def test_of_many_failed_datums_the_first_are_told_and_the_rest_counted(pfs_home: Path) -> None:
    texts = _failed(pfs_home, "exit 3", files=MAX_DATUMS + 2)

    assert len(texts) == MAX_DATUMS + 1
    assert texts[-1].startswith("2 more datums failed: pfs logs --job copy@")


def test_a_job_without_failures_has_none(pfs_home: Path) -> None:
    assert _failed(pfs_home, "true", files=2) == []
