from dataclasses import dataclass, field

import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.kinds import Flag, MapOf, Number, Words
from pfs_provider.spec.shape import Field, Shape, camel, snake, suggest
from pfs_provider.spec.spots import Notes, Spot


@dataclass(frozen=True)
class Box:
    label: str
    n_items: int = 3
    open: bool = False
    notes: dict[str, str] = field(default_factory=dict)


BOX = Shape(
    Box,
    (
        Field("label", Words(), "What it says.", missing="write a label"),
        Field("item_count", Number(), "How many.", attribute="n_items"),
        Field("open", Flag(), "Whether.", inert="boxes stay shut"),
        Field("notes", MapOf(Words()), "More."),
    ),
)


def _read(value: object) -> tuple[Box, list[str]]:
    notes = Notes()
    return BOX.read(value, Spot("box", notes)), notes.warnings


def test_fields_are_read_in_either_spelling() -> None:
    assert _read({"label": "x", "item_count": 5})[0] == Box("x", 5)
    assert _read({"label": "x", "itemCount": 5})[0] == Box("x", 5)


def test_null_means_not_given() -> None:
    assert _read({"label": "x", "item_count": None})[0] == Box("x")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "box.label is missing: write a label"),
        ({"label": None}, "box.label is missing"),
        (3, 'box is the number 3, but an object is wanted: {"label": …}'),
        (
            {"label": "x", "itemCont": 5},
            "box.itemCont is no known field: did you mean 'itemCount'?",
        ),
        ({"label": "x", "item_cont": 5}, "did you mean 'item_count'?"),
        ({"label": "x", "zzz": 5}, "known are item_count, label, notes, open"),
        ({"label": "x", "item_count": 5, "itemCount": 5}, "box.item_count is given twice"),
    ],
)
def test_a_wrong_object_is_refused(given: object, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        _read(given)

    assert message in str(caught.value)


def test_a_field_without_effect_warns_unless_it_asks_for_nothing() -> None:
    assert _read({"label": "x", "open": True})[1] == ["box.open has no effect: boxes stay shut"]
    assert _read({"label": "x", "open": False})[1] == []


def test_defaults_are_not_written() -> None:
    assert BOX.write(Box("x")) == {"label": "x"}
    assert BOX.write(Box("x", 5, notes={"a": "b"})) == {
        "label": "x",
        "item_count": 5,
        "notes": {"a": "b"},
    }


def test_the_schema_has_both_spellings_and_nothing_else() -> None:
    schema = BOX.schema()

    assert schema["additionalProperties"] is False
    assert isinstance(schema["properties"], dict)
    assert set(schema["properties"]) == {"label", "item_count", "itemCount", "open", "notes"}


@pytest.mark.parametrize(
    ("snaked", "cameled"), [("datum_tries", "datumTries"), ("s3_out", "s3Out"), ("input", "input")]
)
def test_the_two_spellings_turn_into_each_other(snaked: str, cameled: str) -> None:
    assert (snake(cameled), camel(snaked)) == (snaked, cameled)


def test_nothing_near_lists_what_there_is() -> None:
    assert suggest("zzz", {"a", "b"}) == ": known are a, b"
