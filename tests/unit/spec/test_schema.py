import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from pfs_provider.errors import RefusedError
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.schema import make_schema, render_schema
from pfs_provider.spec.shapes import SPEC
from pfs_provider.spec.sources import read_documents
from tests.golden.test_specs import SOURCES
from tests.property.test_specs import CHANGES
from tests.unit.spec.examples import document, pfs
from tests.unit.spec.test_shapes import EVERYTHING

JUDGE = jsonschema.Draft202012Validator(make_schema())
PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "pipeline-spec.schema.json"
DAGS = PUBLISHED.parents[2] / "dags"
EXAMPLES = sorted([*DAGS.glob("*/*.json"), *DAGS.glob("*/*.yaml")])
PAGE = PUBLISHED.with_name("pipeline-spec.md")


def test_the_published_schema_is_the_one_of_the_code() -> None:
    # Written by: python -m pfs_provider.spec.schema > docs/reference/pipeline-spec.schema.json
    assert PUBLISHED.read_text() == render_schema()


def test_the_schema_has_every_field_of_the_tables() -> None:
    properties = json.loads(render_schema())["properties"]

    assert {field.name for field in SPEC.fields} <= set(properties)


def test_what_the_schema_demands_is_what_the_reader_demands() -> None:
    required = JUDGE.schema["required"]

    assert set(required) == {field.name for field in SPEC.fields if field.missing}
    assert load_specs({name: document()[name] for name in ["input", *required]})


def test_the_reference_page_names_every_field() -> None:
    page = PAGE.read_text()

    assert [field.name for field in SPEC.fields if f"`{field.name}" not in page] == []


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(make_schema())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_specs_of_every_era_pass_as_they_are_and_in_their_normal_form(path: Path) -> None:
    _, documents = read_documents(path)

    for given_document in [*documents, *(one.document for one in load_specs(path))]:
        assert [error.message for error in JUDGE.iter_errors(given_document)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_specs_of_the_example_dags_pass(path: Path) -> None:
    _, documents = read_documents(path)

    for given_document in documents:
        assert [error.message for error in JUDGE.iter_errors(given_document)] == []
        assert load_specs(given_document)


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of all fields, but not of the free keys of a map."""
    if isinstance(value, list):
        return [each for at, item in enumerate(value) for each in _paths(item, (*path, at))]
    if not isinstance(value, dict) or path[-1:] in {("annotations",), ("labels",), ("env",)}:
        return []
    if path[-1:] == ("node_selector",):
        return []
    return [
        place
        for key, item in value.items()
        for place in ((*path, key), *_paths(item, (*path, key)))
    ]


def _with_typo(whole: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    changed: Any = deepcopy(whole)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1] + "x"] = at.pop(path[-1])
    return changed  # type: ignore[no-any-return]  # it began as a dict


@pytest.mark.parametrize("path", _paths(EVERYTHING), ids=lambda path: ".".join(map(str, path)))
def test_a_typo_in_any_field_is_caught_by_schema_and_reader(path: tuple[Any, ...]) -> None:
    assert JUDGE.is_valid(EVERYTHING)

    changed = _with_typo(EVERYTHING, path)

    assert not JUDGE.is_valid(changed)
    with pytest.raises(RefusedError, match=r"no known|is missing"):
        load_specs(changed)


@pytest.mark.parametrize(
    "changes",
    [
        {"datum_tries": "many"},
        {"datum_timeout": "soon"},
        {"datum_timeout": 90},
        {"reprocess_spec": "never"},
        {"resource_limits": {"memory": "much"}},
        {"resource_limits": {"gpu": {"number": 1}}},
        {"transform": {"cmd": "python x"}},
        {"input": {**pfs(), "cross": []}},
        {"input": {"pfs": {"glob": "/"}}},
        {"input": {"cross": []}},
        {"input": None},
        {"s3_out": "yes"},
    ],
)
def test_a_wrong_value_is_caught_too(changes: dict[str, object]) -> None:
    assert not JUDGE.is_valid({**document(), **changes})


@given(CHANGES)
def test_what_the_reader_takes_the_schema_takes(changes: dict[str, object]) -> None:
    whole = {**document(), **changes}
    try:
        load_specs(whole)
    except RefusedError:
        return

    assert [error.message for error in JUDGE.iter_errors(whole)] == []


def test_null_is_as_good_as_nothing() -> None:
    for name in EVERYTHING.keys() - {"pipeline", "transform", "input"}:
        assert JUDGE.is_valid({**document(), name: None}), name
