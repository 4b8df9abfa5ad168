import json
from pathlib import Path

from pfs_provider.spec.load import load_specs
from pfs_provider.spec.schema import make_schema, render_schema
from pfs_provider.spec.shapes import SPEC
from tests.unit.spec.examples import document

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "pipeline-spec.schema.json"
PAGE = PUBLISHED.with_name("pipeline-spec.md")


def test_the_published_schema_is_the_one_of_the_code() -> None:
    # Written by: python -m pfs_provider.spec.schema > docs/reference/pipeline-spec.schema.json
    assert PUBLISHED.read_text() == render_schema()


def test_the_schema_has_every_field_of_the_tables() -> None:
    properties = json.loads(render_schema())["properties"]

    assert {field.name for field in SPEC.fields} <= set(properties)


def test_what_the_schema_demands_is_what_the_reader_demands() -> None:
    required = make_schema()["required"]

    assert isinstance(required, list)
    assert set(required) == {field.name for field in SPEC.fields if field.missing}
    assert load_specs({name: document()[name] for name in required})


def test_the_reference_page_names_every_field() -> None:
    page = PAGE.read_text()

    assert [field.name for field in SPEC.fields if f"`{field.name}" not in page] == []
