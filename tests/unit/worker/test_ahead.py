"""Staging ahead: whole datums only, moved and not copied, and a failure that waits for its turn."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.records import DatumRecord
from pfs_provider.testing.stores import KilledError
from pfs_provider.worker.ahead import Ahead, make_sibling

FIRST, SECOND = (DatumRecord(id=bytes([n]) * 16, key=bytes(32), pieces=[]) for n in (1, 2))


class Stager:
    """Writes one file named after the datum; ``trouble`` comes after it."""

    def __init__(self, root: Path) -> None:
        self.stopping = threading.Event()
        self.trouble: BaseException | None = None
        self.n_staged = 0
        self.folder = make_sibling(root, "-ahead")
        self.ahead = Ahead(self.folder, self.stage, self.stopping.is_set)

    def stage(self, datum: DatumRecord, folder: Path, check: Callable[[int], None]) -> None:
        self.n_staged += 1
        (folder / "in").mkdir()
        (folder / "in" / datum.id.hex()).touch()
        check(0)
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "pfs"
    made.mkdir()
    return made


@pytest.fixture
def stager(root: Path) -> Stager:
    return Stager(root)


def _names(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file()]


def test_a_datum_that_was_begun_is_moved_into_the_root(stager: Stager, root: Path) -> None:
    stager.ahead.begin(FIRST)

    assert stager.ahead.take(FIRST, root)
    assert _names(root) == [FIRST.id.hex()]
    assert list(stager.folder.iterdir()) == []
    assert not stager.ahead.take(FIRST, root)


def test_a_datum_that_was_not_begun_is_staged_beside_and_moved_whole(
    stager: Stager, root: Path
) -> None:
    stager.ahead.begin(SECOND)

    stager.ahead.stage_now(FIRST, root, lambda _n_bytes: None)

    assert _names(root) == [FIRST.id.hex()]
    assert list(stager.folder.iterdir()) == []
    assert not stager.ahead.take(SECOND, root)


def test_another_datum_than_the_one_begun_is_left_to_the_caller(stager: Stager, root: Path) -> None:
    stager.ahead.begin(SECOND)

    assert not stager.ahead.take(FIRST, root)
    assert _names(root) == []
    assert stager.ahead.take(SECOND, root)


def test_beginning_the_same_again_stages_once(stager: Stager, root: Path) -> None:
    for _ in range(3):  # as every try of the datum before it does
        stager.ahead.begin(FIRST)
    stager.ahead.begin(None)

    assert stager.ahead.take(FIRST, root)
    assert stager.n_staged == 1


def test_a_datum_that_cannot_be_staged_is_left_to_its_turn_and_the_next_finds_no_rest_of_it(
    stager: Stager, root: Path
) -> None:
    stager.trouble = UnavailableError(ErrorCode.STORE_UNAVAILABLE, "not now")
    stager.ahead.begin(FIRST)

    assert not stager.ahead.take(FIRST, root)
    assert _names(root) == []
    stager.trouble = None
    stager.ahead.begin(SECOND)
    assert stager.ahead.take(SECOND, root)
    assert _names(root) == [SECOND.id.hex()]


def test_what_is_no_trouble_of_a_datum_is_raised(stager: Stager, root: Path) -> None:
    stager.trouble = KilledError()
    stager.ahead.begin(FIRST)

    with pytest.raises(KilledError):
        stager.ahead.take(FIRST, root)


def test_dropping_ends_the_staging_soon(root: Path) -> None:
    begun = threading.Event()

    def stage(_datum: DatumRecord, _folder: Path, check: Callable[[int], None]) -> None:
        while True:
            check(0)
            begun.set()

    ahead = Ahead(make_sibling(root, "-ahead"), stage, lambda: False)
    ahead.begin(FIRST)
    assert begun.wait(20)

    ahead.drop()

    assert not ahead.take(FIRST, root)


def test_a_datum_that_takes_the_room_of_the_one_that_runs_waits_for_its_turn(root: Path) -> None:
    folder = make_sibling(root, "-ahead")
    room = os.statvfs(folder)

    def stage(datum: DatumRecord, folder: Path, check: Callable[[int], None]) -> None:
        (folder / "half").touch()
        check(room.f_bavail * room.f_frsize if datum is FIRST else 1)

    ahead = Ahead(folder, stage, lambda: False)
    ahead.begin(FIRST)

    assert not ahead.take(FIRST, root)
    assert list(folder.iterdir()) == []  # what it had taken is free at once
    ahead.begin(SECOND)
    assert ahead.take(SECOND, root)


def test_a_worker_that_is_to_stop_stages_nothing_ahead(stager: Stager, root: Path) -> None:
    stager.stopping.set()
    stager.ahead.begin(FIRST)

    assert not stager.ahead.take(FIRST, root)


def test_a_sibling_has_the_rights_of_the_root_and_nothing_of_a_killed_worker(root: Path) -> None:
    root.chmod(0o2775)
    left = root.with_name("pfs-ahead")
    left.mkdir()
    (left / "file").touch()

    made = make_sibling(root, "-ahead")

    assert made == left
    assert list(made.iterdir()) == []
    assert made.stat().st_mode == root.stat().st_mode
    assert (made.stat().st_dev, made.stat().st_gid) == (root.stat().st_dev, root.stat().st_gid)
