"""A datum's log in the store, as it is on disk."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.jobs.log_parts import list_logs
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.storage.stores.open import open_store
from pfs_provider.storage.stores.port import Data
from pfs_provider.worker.executors.logs import LogWriter
from pfs_provider.worker.log_mirror import LogMirror

JOB = parse_job_ref("up@0123456789ab4def8123456789abcdef")
DATUM = b"\x01" * 16


@dataclass(frozen=True, slots=True)
class CountingObjects(JobObjects):
    """Notes what is stored."""

    sizes: list[int] = field(default_factory=list)

    def replace(self, key: str, data: Data) -> None:
        self.sizes.append(len(data))
        JobObjects.replace(self, key, data)


@pytest.fixture
def objects() -> CountingObjects:
    return CountingObjects(open_store("memory://"), SystemClock())


def _stored(objects: JobObjects) -> list[tuple[int, bytes]]:
    return [
        (part.offset, objects.read(part.key))
        for log in list_logs(objects, JOB)
        for part in log.parts
    ]


def test_only_what_grew_is_stored_again_and_what_is_left_out_is_removed(
    objects: CountingObjects, tmp_path: Path
) -> None:
    mirror = LogMirror(objects, JOB, DATUM, tmp_path / "log")
    mirror.store()
    assert _stored(objects) == []

    with LogWriter(tmp_path / "log", max_bytes=64) as log:
        log.write(b"abcdef")
        mirror.store()
        assert _stored(objects) == [(0, b"abcd"), (4, b"ef")]
        log.write(b"g")
        mirror.store()
        mirror.store()
        assert objects.sizes == [4, 2, 3]
        log.write(bytes(200))
        mirror.store()

    parts = _stored(objects)
    assert sum(len(data) for _, data in parts) <= 64
    assert parts[1] == (4, b"efg\0")
    assert parts[8][0] == 176
    log_on_disk = sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert log_on_disk == sorted(len(data) for _, data in parts)


def test_a_log_that_is_moved_is_stored_from_there(objects: CountingObjects, tmp_path: Path) -> None:
    mirror = LogMirror(objects, JOB, DATUM, tmp_path / "log")
    with LogWriter(tmp_path / "log", max_bytes=64) as log:
        log.write(b"abcdef")
    mirror.store()

    mirror.move(tmp_path / "log-aside")
    with LogWriter(tmp_path / "log", max_bytes=64) as log:
        log.write(b"the next datum's")
    mirror.store()

    assert _stored(objects) == [(0, b"abcd"), (4, b"ef")]
    assert objects.sizes == [4, 2]
