import os
import random
from pathlib import Path

import pytest

from pfs_provider.errors import NotFoundError
from pfs_provider.storage import folder_helper
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.folder_helper import FolderHelper
from pfs_provider.storage.folder_units import UNIT_FILES, read_units


@pytest.fixture
def sources(tmp_path: Path) -> list[bytes]:
    noise = random.Random(3)
    made: list[bytes] = []
    for number in range(5 * UNIT_FILES):
        path = tmp_path / f"{number:05d}"
        path.write_bytes(b"%d" % number * noise.randrange(50))
        made.append(os.fsencode(path))
    for number in range(40):  # runs that do not fit into one buffer, and a large file
        Path(os.fsdecode(made[700 + number])).write_bytes(bytes([number]) * 300_000)
    Path(os.fsdecode(made[1000])).write_bytes(bytes(2 << 20))
    return made


def read(sources: list[bytes]) -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []
    for unit in read_units(sources):
        assert unit.first == len(found)
        used = 0
        for row, size in enumerate(unit.sizes):
            digest = unit.digests[32 * row : 32 * row + 32]
            if size >= 0:
                assert digest_bytes(unit.content[used : used + size]) == digest
                used += size
            found.append((digest, size))
    return found


@pytest.fixture(params=[1, 2])
def n_processors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(folder_helper, "MANY_FILES", 10)
    monkeypatch.setattr(folder_helper, "_n_processors", lambda: request.param)
    return int(request.param)


def test_every_file_comes_once_and_in_order(sources: list[bytes], n_processors: int) -> None:
    found = read(sources)

    assert len(found) == len(sources)
    for source, (digest, size) in zip(sources, found, strict=True):
        data = Path(os.fsdecode(source)).read_bytes()
        assert size == (len(data) if len(data) < 1 << 20 else -1)
        assert size < 0 or digest == digest_bytes(data)


def test_a_file_that_went_is_told_by_name(sources: list[bytes], n_processors: int) -> None:
    Path(os.fsdecode(sources[1500])).unlink()

    with pytest.raises(NotFoundError, match="01500"):
        read(sources)


def test_the_work_goes_on_alone_when_the_helper_dies(
    sources: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_helper, "MANY_FILES", 10)
    monkeypatch.setattr(folder_helper, "_n_processors", lambda: 2)
    expected = read(sources)
    start = FolderHelper.start

    def start_dying(shared_bytes: int) -> FolderHelper:
        helper = start(shared_bytes)
        helper._process.kill()
        return helper

    monkeypatch.setattr(FolderHelper, "start", start_dying)

    assert read(sources) == expected
