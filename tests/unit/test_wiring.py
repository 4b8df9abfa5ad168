"""Wiring: settings in, working objects out."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import wiring
from pfs_provider.errors import ErrorCode, PfsError, RefusedError
from pfs_provider.settings import load_settings


def test_an_engine_works_on_what_the_settings_name(tmp_path: Path) -> None:
    engine = wiring.open_engine(load_settings(home=tmp_path / "home", lease_s=7))

    engine.versions.storage.store.create("x", b"1")
    engine.close()

    assert engine.jobs.lease_s == 7
    assert (tmp_path / "home" / "catalog.db").exists()
    assert (tmp_path / "home" / "store" / "x").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("name", "url", "code"),
    [
        ("store", "s4://x", ErrorCode.STORE_URL_ILLEGAL),
        ("catalog", "mysql://x", ErrorCode.CATALOG_URL_ILLEGAL),
    ],
)
def test_a_place_that_cannot_be_opened_leaves_nothing_open(
    tmp_path: Path, name: str, url: str, code: ErrorCode
) -> None:
    settings = load_settings(**{"home": tmp_path, "catalog": None, "store": None, name: url})

    with pytest.raises(PfsError) as raised:
        wiring.open_engine(settings)

    assert raised.value.code == code


def test_a_launcher_hands_the_workers_what_they_need(tmp_path: Path) -> None:
    engine = wiring.open_engine(
        load_settings(home=tmp_path), {"aws_access_key_id": "from the connection"}
    )

    launcher = engine.launcher(executor="process")

    engine.close()
    assert type(launcher).__name__ == "LocalLauncher"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"launcher": "swarm", "executor": "process"}, "swarm"),
        ({"executor": "magic"}, "magic"),
        ({"launcher": "kubernetes", "executor": "process"}, "k8s_worker_image"),
        ({"launcher": "kubernetes", "executor": "process", "cluster": {"colour": 1}}, "k8s_colour"),
    ],
    ids=["launcher", "executor", "no image", "unknown setting"],
)
def test_a_launcher_that_cannot_be_made_is_named(
    tmp_path: Path, arguments: dict[str, Any], named: str
) -> None:
    engine = wiring.open_engine(load_settings(home=tmp_path))

    with pytest.raises(RefusedError, match=named):
        engine.launcher(**arguments)

    engine.close()


def test_a_workers_storage_is_that_of_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_STORE", (tmp_path / "store").as_uri())

    with wiring.open_worker_storage() as storage:
        storage.store.create("x", b"1")

    assert (tmp_path / "store" / "x").exists()


def test_a_worker_imports_nothing_of_the_catalog() -> None:
    code = (
        "import sys, pfs_provider.worker.main;"
        "print([n for n in sys.modules if n.startswith(('sqlalchemy', 'sqlmodel', 'alembic', "
        "'psycopg', 'pfs_provider.catalog', 'airflow', 'typer'))])"
    )

    out = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert out.strip() == "[]"
