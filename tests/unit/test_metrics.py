from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.infos import JobInfo, RepoInfo
from pfs_provider.metrics import CatalogMetrics
from pfs_provider.pfs import Pfs

COPY = {
    "pipeline": {"name": "copy"},
    "transform": {"cmd": ["sh", "-c", "cp -r /pfs/images/. /pfs/out/"]},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
}


class LaterClock:
    """A clock that is ahead, so that what waits has an age."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=60)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        opened.create_pipeline(COPY)
        yield opened


def _registry(pfs: Pfs) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(CatalogMetrics(pfs, clock=LaterClock()))
    return registry


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"project": "default", **labels} if labels else {})


def test_jobs_and_datums_are_counted_by_pipeline_and_how_they_ended(pfs: Pfs) -> None:
    pfs.put_file("images@master:/a", b"x")
    pfs.run()
    registry = _registry(pfs)
    assert _value(registry, "pfs_jobs_total", pipeline="copy", state="success") == 1

    pfs.put_file("images@master:/b", b"y")
    pfs.run()

    assert _value(registry, "pfs_jobs_total", pipeline="copy", state="success") == 2
    assert _value(registry, "pfs_datums_total", pipeline="copy", result="processed") == 2
    assert _value(registry, "pfs_datums_total", pipeline="copy", result="skipped") == 1
    assert (_value(registry, "pfs_job_run_seconds_total", pipeline="copy") or 0) > 0
    last = _value(registry, "pfs_last_success_timestamp_seconds", pipeline="copy")
    assert last is not None
    assert abs(last - datetime.now(UTC).timestamp()) < 60
    commits = {"repo": "images", "branch": "master", "state": "finished"}
    assert _value(registry, "pfs_commits_total", **commits) == 1  # since the first look


def test_a_job_that_waits_has_an_age_until_it_has_ended(pfs: Pfs) -> None:
    registry = _registry(pfs)
    pfs.put_file("images@master:/a", b"x")

    assert _value(registry, "pfs_jobs_active", pipeline="copy", state="starting") == 1
    age = _value(registry, "pfs_job_queue_age_seconds", pipeline="copy")
    assert age is not None
    assert 55 < age < 120

    pfs.run()
    assert _value(registry, "pfs_jobs_active", pipeline="copy", state="starting") == 0
    assert _value(registry, "pfs_job_queue_age_seconds", pipeline="copy") == 0


def test_a_failed_job_counts_as_such_and_moves_no_last_success(pfs: Pfs) -> None:
    commit = pfs.put_file("images@master:/a", b"x").id
    pfs.stop_job(f"copy@{commit}")
    registry = _registry(pfs)

    assert _value(registry, "pfs_jobs_total", pipeline="copy", state="killed") == 1
    assert _value(registry, "pfs_last_success_timestamp_seconds", pipeline="copy") is None


def test_each_job_counts_once_however_the_looks_fall(pfs: Pfs) -> None:
    registry = _registry(pfs)
    for name in "abcd":
        pfs.put_file(f"images@master:/{name}", b"x")
        assert _value(registry, "pfs_up") == 1

    def look(_: object) -> None:
        _value(registry, "pfs_up")

    pfs.run(on_progress=look)
    pfs.put_file("images@master:/e", b"x")
    pfs.run()

    assert _value(registry, "pfs_jobs_total", pipeline="copy", state="success") == 5
    assert _value(registry, "pfs_datums_total", pipeline="copy", result="processed") == 5
    again = _registry(pfs)
    assert _value(again, "pfs_jobs_total", pipeline="copy", state="success") == 5


def test_repos_and_the_event_log_are_measured(pfs: Pfs) -> None:
    pfs.put_file("images@master:/a", b"12345")
    registry = _registry(pfs)

    assert _value(registry, "pfs_repo_size_bytes", repo="images") == 5
    assert _value(registry, "pfs_events") == pfs.last_event_number()
    assert _value(registry, "pfs_up") == 1


def test_a_catalog_that_does_not_answer_is_a_metric_and_the_rest_stays(
    pfs: Pfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pfs.put_file("images@master:/a", b"x")
    pfs.run()
    registry = _registry(pfs)
    assert _value(registry, "pfs_up") == 1

    def fail(self: Pfs) -> list[RepoInfo]:
        raise UnavailableError(ErrorCode.CATALOG_UNAVAILABLE, "down")

    monkeypatch.setattr(Pfs, "list_repos", fail)

    assert _value(registry, "pfs_up") == 0
    assert _value(registry, "pfs_jobs_total", pipeline="copy", state="success") == 1


def test_a_catalog_that_fails_in_the_middle_of_a_look_makes_nothing_count_twice(
    pfs: Pfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        pfs.put_file(f"images@master:/{name}", b"x")
    registry = _registry(pfs)
    assert _value(registry, "pfs_up") == 1
    pfs.run()
    n_calls = 0
    inspect = Pfs.inspect_job

    def fail_every_third(self: Pfs, job: str) -> JobInfo:
        nonlocal n_calls
        n_calls += 1
        if n_calls % 3 == 0:
            raise UnavailableError(ErrorCode.CATALOG_UNAVAILABLE, "down")
        return inspect(self, job)

    monkeypatch.setattr(Pfs, "inspect_job", fail_every_third)
    looks = 0
    while _value(registry, "pfs_up") == 0:
        looks += 1

    assert looks > 1
    assert _value(registry, "pfs_jobs_total", pipeline="copy", state="success") == 3


def test_a_pipeline_that_was_deleted_disturbs_nothing(pfs: Pfs) -> None:
    registry = _registry(pfs)
    assert _value(registry, "pfs_up") == 1
    pfs.put_file("images@master:/a", b"x")

    pfs.delete_pipeline("copy")

    assert _value(registry, "pfs_up") == 1
    assert not _value(registry, "pfs_jobs_active", pipeline="copy", state="starting")


def test_every_name_is_documented(pfs: Pfs) -> None:
    pfs.put_file("images@master:/a", b"x")
    pfs.run()
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "metrics.md").read_text()

    text = generate_latest(_registry(pfs)).decode()

    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert len(names) > 8
    assert {name for name in names if f"`{name}" not in page} == set()
