import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.worker.executors.logs import (
    LogWriter,
    clear_log,
    list_parts,
    move_log,
    open_log,
)
from pfs_provider.worker.executors.port import Task


def _parts(log: Path) -> list[tuple[int, bytes]]:
    return [(part.offset, part.path.read_bytes()) for part in list_parts(log)]


def test_what_is_written_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n")

    with LogWriter(path) as log:
        log.write(b"a")
        log.write(b"b\n")

    assert path.read_bytes() == b"old\nab\n"
    assert log.n_dropped == 0


def test_a_log_is_turned_over_to_another_one_and_back(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    log = LogWriter(one, secrets=(b"hush",))

    log.write(b"a hus")
    log.turn(two)
    log.write(b"b\n")
    log.turn(one, is_bringing=True)
    log.write(b"c")
    log.close()

    assert one.read_bytes() == b"a husb\nc"  # what began in one log cannot end in another
    assert not two.exists()


def test_a_log_of_just_the_limit_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"

    with LogWriter(path, max_bytes=4) as log:
        log.write(b"1234")

    assert _parts(path) == [(0, b"1"), (1, b"2"), (2, b"3"), (3, b"4")]
    assert log.n_dropped == 0


def test_of_too_much_the_first_and_the_last_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"

    with LogWriter(path, max_bytes=32) as log:
        log.write(bytes(range(100)))

    parts = _parts(path)
    assert b"".join(data for _, data in parts[:8]) == bytes(range(16))
    assert b"".join(data for _, data in parts[8:]) == bytes(range(84, 100))
    assert parts[8][0] == 84
    assert log.n_dropped == 100 - 32


@given(st.lists(st.integers(0, 70), max_size=8), st.integers(2, 64), st.booleans())
def test_a_log_holds_what_it_says_wherever_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit: int, is_one_run: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    blocks, n_dropped, at = [], 0, 0
    for size in sizes:
        blocks.append(bytes((at + n) % 251 for n in range(size)))
        at += size

    for run in [blocks] if is_one_run else [[block] for block in blocks]:
        with LogWriter(path, max_bytes=limit) as log:
            for block in run:
                log.write(block)
        n_dropped += log.n_dropped

    whole, parts = b"".join(blocks), _parts(path)
    assert all(data == whole[offset : offset + len(data)] for offset, data in parts)
    assert sum(len(data) for _, data in parts) == len(whole) - n_dropped <= limit
    assert (n_dropped == 0) or len(whole) > limit - limit % max(1, limit // 16)
    if whole:
        assert parts[-1][1][-1:] == whole[-1:]


def test_a_log_begun_anew_has_nothing_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with LogWriter(path, max_bytes=32) as log:
        log.write(b"x" * 100)
    path.unlink()
    assert list_parts(path) == []

    with LogWriter(path, max_bytes=64) as log:
        log.write(b"new")

    assert _parts(path) == [(0, b"new")]


def test_a_log_is_moved_and_cleared_with_all_its_parts(tmp_path: Path) -> None:
    path, aside = tmp_path / "log", tmp_path / "log-aside"
    for text, place in ((b"older and longer", aside), (b"abcdef", path)):
        with LogWriter(place, max_bytes=16) as log:
            log.write(text)

    move_log(path, aside)

    assert list_parts(path) == []
    assert b"".join(data for _, data in _parts(aside)) == b"abcdef"
    clear_log(aside)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_drops_output_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with LogWriter(tmp_path / "log") as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fail)
            log.write(b"abc")
        log.write(b"def")

    assert log.n_dropped == 6
    assert b"6 more bytes left out, No space left" in (tmp_path / "log").read_bytes()


def test_no_secret_of_a_task_is_in_its_log(tmp_path: Path) -> None:
    task = Task(
        root=tmp_path,
        cmd=("true",),
        env={"DB_PASSWORD": "hunter2", "USER": "somebody"},
        log=tmp_path / "log",
        masked=("DB_PASSWORD", "NOT_SET"),
        secrets=("store-key",),
        max_log_bytes=1600,
    )

    for block in (b"hunter2 store-k", b"ey somebody hunt"):
        with open_log(replace(task, env=dict(task.env))) as log:
            log.write(block)
    with open_log(task) as log:
        for block in (b" hun", b"ter", b"2, store-", b"key"):
            log.write(block)

    assert (tmp_path / "log").read_bytes() == b"*** store-key somebody hunt ***, ***"
    assert "store-key" not in repr(task)
