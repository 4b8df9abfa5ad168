"""What specs of each version mean: their normal form, with what is said about each oddity.

tests/golden/specs/sources holds specs as their versions had them, two of them as the vendor printed
them. If the normal form changes, the same file makes another pipeline than it did before: other
datums, or all of them processed again.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.spec.load import load_specs
from pfs_provider.spec.sources import read_documents

SOURCES = sorted((Path(__file__).parent / "specs" / "sources").iterdir())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_spec_means_what_it_meant(path: Path, golden: Callable[[str, bytes], None]) -> None:
    made = [
        {"document": one.document, "warnings": one.warnings, "hints": one.hints}
        for one in load_specs(path)
    ]

    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    golden(f"specs/{path.stem}.json", text.encode())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_normal_form_loads_to_the_same_without_warnings_of_form(path: Path) -> None:
    for loaded in load_specs(path):
        [again] = load_specs(loaded.document)

        assert again.spec == loaded.spec
        assert again.document == loaded.document
        assert [one for one in again.warnings if "has no effect" not in one] == []


def test_there_is_a_spec_of_every_era() -> None:
    eras = {path.name.split("-")[0] for path in SOURCES}

    assert eras >= {"v1.0", "v1.2", "v1.3", "v1.4", "v1.7", "v1.11", "v1.13", "v2"}


def _places(value: object, path: str = "") -> set[str]:
    """Return the path of every field and element."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)  # type: ignore[assignment]  # both give pairs
    else:
        return {path}
    return {place for key, item in parts for place in _places(item, f"{path}.{key}")}


def test_of_a_spec_with_every_field_none_is_dropped_in_silence() -> None:
    path = Path(__file__).parent / "specs" / "sources" / "v2-all-fields.yaml"
    _, [given] = read_documents(path)
    [loaded] = load_specs(path)

    # The one field that has another form here: the word "never".
    gone = _places(dict(given)) - _places(loaded.document)

    assert gone == {".input.cross.2.pfs.propagation_spec.never"}
    assert loaded.warnings == ()
