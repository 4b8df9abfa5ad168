from datetime import UTC, datetime

import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.kinds import (
    Deferred,
    Duration,
    Flag,
    JsonText,
    ListOf,
    MapOf,
    Moment,
    Number,
    OneOf,
    Quantity,
    Raw,
    Words,
)
from pfs_provider.spec.spots import Kind, Notes, Spot

WORDS = OneOf(("until_success", "every_job"))

READ: list[tuple[Kind[object], object, object]] = [
    (Words(), "", ""),
    (Words(), "ä b", "ä b"),
    (Flag(), True, True),
    (Flag(), "False", False),
    (Number(), 3, 3),
    (Number(), "3", 3),
    (Number(), 3.0, 3),
    (Number(low=-5), "-5", -5),
    (Quantity(), 1, "1"),
    (Quantity(), 0.5, "0.5"),
    (Quantity(), "500m", "500m"),
    (Quantity(), "1.5Gi", "1.5Gi"),
    (Quantity(), "1e3", "1e3"),
    (Duration(), "90s", 90.0),
    (Duration(), "1h30m", 5400.0),
    (Duration(), "1.5h", 5400.0),
    (Duration(), "100ms", 0.1),
    (Moment(), "2024-05-01T02:00:00+02:00", datetime(2024, 5, 1, tzinfo=UTC)),
    (Moment(), "2024-05-01T00:00:00Z", datetime(2024, 5, 1, tzinfo=UTC)),
    (WORDS, "every_job", "every_job"),
    (WORDS, "EVERY_JOB", "every_job"),
    (WORDS, "everyJob", "every_job"),
    (ListOf(Number()), ["1", 2], (1, 2)),
    (ListOf(Number()), [], ()),
    (MapOf(Words()), {"A": "x"}, {"A": "x"}),
    (JsonText("an object"), '{"a": 1}', '{"a": 1}'),
    (JsonText("an object"), {"a": 1}, '{"a": 1}'),
    (JsonText("a list"), "", ""),
    (JsonText("a list"), [1], "[1]"),
    (Raw(), {"a": [1]}, {"a": [1]}),
    (Deferred("x"), None, None),
    (Deferred("x"), False, None),
]

REFUSED: list[tuple[Kind[object], object, str]] = [
    (Words(), 5, 'put it in quotes: "5"'),
    (Words(), True, 'put it in quotes: "true"'),
    (Words("x"), [], 'write "x"'),
    (Words(), "a\0b", "NUL"),
    (Words(), "\ud800", "UTF-8"),
    (Flag(), "yes", "true or false"),
    (Flag(), 1, "true or false"),
    (Number(), True, "a whole number"),
    (Number(), 3.5, "a whole number"),
    (Number(), "3.5", "a whole number"),
    (Number(), "x", "a whole number"),
    (Number(low=1), 0, "at least 1"),
    (Number(high=5), 6, "at most 5"),
    (Quantity(), "1GB", "64M"),
    (Quantity(), -1, "64M"),
    (Quantity(), True, "64M"),
    (Duration(), 300, 'write "300s"'),
    (Duration(), "5 minutes", '"10m"'),
    (Duration(), "", '"10m"'),
    (Duration(), "0s", "leave the field out"),
    (Moment(), "2024-05-01T00:00:00", "with its zone"),
    (Moment(), "tomorrow", "with its zone"),
    (Moment(), 3, "with its zone"),
    (WORDS, "never", "one of until_success, every_job"),
    (WORDS, 3, "one of until_success, every_job"),
    (ListOf(Number()), "1", "put [ and ] around it"),
    (MapOf(Words()), [], "an object is wanted"),
    (MapOf(Words()), {1: "x"}, "put it in quotes"),
    (MapOf(Words()), {"a\0": "x"}, "NUL"),
    (JsonText("an object"), "{", "is not JSON"),
    (JsonText("an object"), "[]", "an object as JSON text"),
    (JsonText("a list"), 3, "a list as JSON text"),
    (Raw(), 3, "an object is wanted"),
    (Deferred("do otherwise"), {}, "do otherwise"),
]


@pytest.mark.parametrize(("kind", "given", "value"), READ)
def test_a_value_is_read_in_its_one_form(kind: Kind[object], given: object, value: object) -> None:
    assert kind.read(given, Spot("a", Notes())) == value


@pytest.mark.parametrize(("kind", "given", "value"), READ)
def test_what_is_written_reads_back_without_a_warning(
    kind: Kind[object], given: object, value: object
) -> None:
    notes = Notes()

    assert kind.read(kind.write(value), Spot("a", notes)) == value
    assert notes.warnings == []


@pytest.mark.parametrize(("kind", "given", "way_out"), REFUSED)
def test_a_wrong_value_is_refused_with_the_way_out(
    kind: Kind[object], given: object, way_out: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        kind.read(given, Spot("a", Notes()))

    assert way_out in str(caught.value)
    assert str(caught.value.fields["field"]).startswith("a")


def test_a_truth_value_as_text_warns() -> None:
    notes = Notes()

    Flag().read("true", Spot("s3", notes))

    assert notes.warnings == ['s3 is the text "true"; write true without quotes']


def test_a_wrong_element_is_named_by_its_place() -> None:
    with pytest.raises(RefusedError, match=r"^a\[1\] is true"):
        ListOf(Number()).read([1, True], Spot("a", Notes()))
    with pytest.raises(RefusedError, match=r"^env\.N is the number 5"):
        MapOf(Words()).read({"N": 5}, Spot("env", Notes()))


def test_every_kind_has_a_schema() -> None:
    assert all(kind.schema() for kind, _, _ in READ)
