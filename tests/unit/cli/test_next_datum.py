import threading
from pathlib import Path

import pytest

from pfs_provider.worker.executors.asking import Asking
from tests.unit.cli.runner import Cli


def test_without_a_worker_there_is_nobody_to_ask(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_ROOT", str(tmp_path))

    said = cli("next", "datum")

    assert said.code == 5
    assert "datum_batching" in said.err


def test_it_says_how_the_datum_went_and_waits_for_the_next(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_ROOT", str(tmp_path))
    asking = Asking(tmp_path, sh="/bin/sh")
    said: list[str | None] = []

    def work() -> None:
        while (asked := asking.take()) is None:
            pass
        said.append(asked.error)
        asking.answer("id", {})

    threading.Thread(target=work, daemon=True).start()

    cli.ok("next", "datum", "--error", "no such edge")

    assert said == ["no such edge"]
    asking.close()
