"""What is known of the files of a local folder; that it is never wrong is in tests/property."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.storage.sources import scan_folder
from pfs_provider.storage.stat_cache import MAX_FOLDERS, StatCache


class LateClock(SystemClock):
    """Goes an hour ahead, so that what was just written is long ago."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> StatCache:
    return StatCache(tmp_path / "cache", LateClock(), min_files=1)


def _look(cache: StatCache, folder: Path) -> list[bytes | None]:
    return cache.look(folder, scan_folder(folder)).digests


def _keep(cache: StatCache, folder: Path) -> None:
    seen = cache.look(folder, scan_folder(folder))
    cache.keep(seen, [name.ljust(32, b"-") for name in seen.names])


A, B = b"a".ljust(32, b"-"), b"b".ljust(32, b"-")


def test_what_was_kept_is_known_while_the_file_is_what_it_was(
    cache: StatCache, folder: Path
) -> None:
    assert _look(cache, folder) == [None, None]
    _keep(cache, folder)

    assert _look(cache, folder) == [A, B]


def test_any_change_of_a_file_makes_it_unknown(cache: StatCache, folder: Path) -> None:
    for change in (
        lambda: (folder / "b").write_text("c"),
        lambda: os.utime(folder / "b", ns=(1, 1)),
        lambda: (folder / "b").chmod(0o700),
        (folder / "b").unlink,
    ):
        _keep(cache, folder)
        change()
        assert B not in _look(cache, folder)
        assert A in _look(cache, folder)


def test_a_file_changed_just_now_is_not_kept(tmp_path: Path, folder: Path) -> None:
    cache = StatCache(tmp_path / "cache", SystemClock(), min_files=1)
    os.utime(folder / "a", ns=(1, 1))  # its content may be as old as that: its change is not

    _keep(cache, folder)

    assert _look(cache, folder) == [None, None]


def test_a_cache_file_that_is_damaged_is_none(
    cache: StatCache, folder: Path, tmp_path: Path
) -> None:
    _keep(cache, folder)
    (file,) = (tmp_path / "cache").iterdir()
    data = file.read_bytes()
    for broken in (b"", data[:-1], data[:40] + b"?" + data[41:], b"?" + data[1:]):
        file.write_bytes(broken)
        assert _look(cache, folder) == [None, None]


def test_a_cache_that_cannot_be_written_fails_nothing(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = StatCache(tmp_path / "file" / "cache", LateClock(), min_files=1)

    _keep(cache, folder)

    assert _look(cache, folder) == [None, None]


def test_small_folders_are_not_kept(tmp_path: Path, folder: Path) -> None:
    for options in ({"min_files": 3}, {"min_files": 3, "min_bytes": 3}):
        _keep(StatCache(tmp_path / "cache", LateClock(), **options), folder)
        assert not (tmp_path / "cache").exists()

    _keep(StatCache(tmp_path / "cache", LateClock(), min_files=3, min_bytes=2), folder)
    assert (tmp_path / "cache").exists()


def test_the_folders_that_were_put_longest_ago_are_forgotten(
    cache: StatCache, tmp_path: Path
) -> None:
    for number in range(MAX_FOLDERS + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a").write_text("a")
        _keep(cache, folder)

    assert len(list((tmp_path / "cache").iterdir())) == MAX_FOLDERS
    assert _look(cache, tmp_path / str(MAX_FOLDERS)) == [A]


def test_what_a_link_leads_to_is_what_counts(cache: StatCache, folder: Path) -> None:
    (folder / "link").symlink_to("a")
    _keep(cache, folder)
    (folder / "link").unlink()
    (folder / "link").symlink_to("b")

    assert _look(cache, folder) == [A, B, None]
