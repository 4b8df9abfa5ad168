import pytest

from pfs_provider.errors import ErrorCode, PfsError, RefusedError
from pfs_provider.spec.spots import Notes, Spot, describe


def test_a_spot_spells_its_path_as_the_author_would() -> None:
    root = Spot("", Notes())

    assert root.child("input").child("cross").item(1).child("pfs").path == "input.cross[1].pfs"


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(RefusedError, match=r"^a\.b is wrong$") as caught:
        Spot("a.b", Notes()).refuse("is wrong")

    assert caught.value.fields == {"field": "a.b"}


def test_a_refusal_of_the_whole_says_so() -> None:
    with pytest.raises(RefusedError, match=r"^the spec is wrong$"):
        Spot("", Notes()).refuse("is wrong")


def test_a_refusal_keeps_what_was_wrong_inside() -> None:
    cause = PfsError(ErrorCode.GLOB_ILLEGAL, "glob is bad")

    with pytest.raises(RefusedError, match=r"^a\.glob: glob is bad$") as caught:
        Spot("a.glob", Notes()).refuse_because(cause)

    assert caught.value.fields["cause"] == "glob-illegal"


def test_warnings_are_gathered_over_all_spots() -> None:
    notes = Notes()

    Spot("a", notes).warn("is odd")
    Spot("b", notes).child("c").warn("too")

    assert notes.warnings == ["a is odd", "b.c too"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "the number 3"),
        (0.5, "the number 0.5"),
        ("x", 'the text "x"'),
        ([1], "the list [1]"),
        ({}, "the object {}"),
        ("x" * 100, 'the text "' + "x" * 59 + "…"),
    ],
)
def test_a_value_is_described_as_a_person_would(value: object, text: str) -> None:
    assert describe(value) == text
