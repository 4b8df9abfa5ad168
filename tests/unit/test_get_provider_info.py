import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.get_provider_info import get_provider_info

airflow = pytest.importorskip(
    "airflow", reason="the extra is not installed: pip install .[airflow]"
)
jsonschema = pytest.importorskip("jsonschema")


def _info() -> dict[str, Any]:
    return get_provider_info()


def _named(value: Any) -> list[str]:
    """Return every string in it that names something of ours."""
    match value:
        case dict():
            return [name for part in value.values() for name in _named(part)]
        case list():
            return [name for part in value for name in _named(part)]
        case str() if value.startswith("pfs_provider."):
            return [value]
        case _:
            return []


def _resolve(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)


def test_the_provider_is_what_airflow_s_own_schema_wants() -> None:
    schema_file = Path(airflow.__path__[0]) / "provider_info.schema.json"

    jsonschema.validate(_info(), json.loads(schema_file.read_text()))


def test_the_package_is_named_as_the_distribution_is() -> None:
    assert _info()["package-name"] == distribution("airflow-provider-pfs").metadata["Name"]


def test_asking_for_it_imports_nothing_but_the_standard_library() -> None:
    program = (
        "import json, sys; before = set(sys.modules)\n"
        "from pfs_provider.get_provider_info import get_provider_info; get_provider_info()\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    names = {
        name
        for name in json.loads(done.stdout)
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    assert names == {"pfs_provider", "pfs_provider.get_provider_info"}


@pytest.mark.airflow
def test_everything_it_names_exists() -> None:
    names = _named(_info())

    assert names
    assert all(_resolve(name) is not None for name in names)


def test_every_module_of_operators_sensors_and_triggers_is_named() -> None:
    room = Path(importlib.import_module("pfs_provider.airflow").__path__[0])
    info = _info()

    for kind in ("operators", "sensors"):
        there = {
            f"pfs_provider.airflow.{kind}.{path.stem}"
            for path in (room / kind).glob("*.py")
            if path.stem != "__init__"
        }
        assert set(info[kind][0]["python-modules"]) == there


@pytest.mark.airflow
def test_the_connection_form_has_the_fields_of_the_stable_surface() -> None:
    manager = importlib.import_module("airflow.providers_manager").ProvidersManager()
    widgets = manager.connection_form_widgets
    ours = {name: widget for name, widget in widgets.items() if name.startswith("extra__pfs__")}

    assert {"extra__pfs__home", "extra__pfs__catalog", "extra__pfs__store"} <= ours.keys()
    secret = {name for name, widget in ours.items() if widget.is_sensitive}
    assert secret == {"extra__pfs__catalog_password", "extra__pfs__s3_secret_key"}
    assert "host" in manager.field_behaviours["pfs"]["hidden_fields"]
