from pathlib import Path

import pytest

from pfs_provider.cli.step_options import open_shared, telling, write_outputs
from pfs_provider.errors import ErrorCode, FailedError, RefusedError


def test_outputs_are_files(tmp_path: Path) -> None:
    write_outputs(tmp_path / "a" / "b", {"x": "1"})
    write_outputs(None, {"x": "1"})

    assert (tmp_path / "a" / "b" / "x").read_text() == "1"


def test_an_error_is_told_where_it_can_be_and_passes(tmp_path: Path) -> None:
    for place in (tmp_path / "m", tmp_path / "no" / "m", None):
        with pytest.raises(FailedError), telling(place):
            raise FailedError(ErrorCode.JOB_FAILED, "so it is")

    assert (tmp_path / "m").read_text() == "so it is [job-failed]"


def test_what_the_machine_refuses_is_told_as_well(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), telling(tmp_path / "m"):
        raise OSError("the disk is full")

    assert (tmp_path / "m").read_text() == "the disk is full"


def test_a_pod_without_settings_says_where_it_gets_them_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PFS_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PFS_STORE", "memory://")

    with pytest.raises(RefusedError, match="PFS_CATALOG not set"), open_shared():
        pass

    monkeypatch.setenv("PFS_HOME", str(tmp_path))
    with open_shared() as pfs:
        assert pfs.list_repos() == []
