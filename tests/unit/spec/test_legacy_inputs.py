import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.legacy_inputs import modernise_input, modernise_inputs
from pfs_provider.spec.model import PfsInput
from pfs_provider.spec.spots import Notes, Spot
from tests.unit.spec.examples import load, pfs


def _modern(entry: object) -> tuple[object, list[str]]:
    notes = Notes()
    return modernise_inputs([entry], Spot("inputs", notes)), notes.warnings


@pytest.mark.parametrize(
    ("method", "glob"),
    [
        ("map", "/*"),
        ("reduce", "/*"),
        ("global", "/"),
        ("GLOBAL", "/"),
        ({"partition": "BLOCK", "incremental": "DIFF"}, "/*"),
        ({"partition": "file", "incremental": False}, "/*"),
        ({"partition": "REPO"}, "/"),
    ],
)
def test_a_method_becomes_the_glob_that_cuts_alike(method: object, glob: str) -> None:
    made, warnings = _modern({"repo": {"name": "a"}, "method": method})

    assert made == pfs("a", glob)
    assert len(warnings) == 1
    assert f'"glob": "{glob}"' in warnings[0]


def test_without_a_method_files_are_cut_one_by_one() -> None:
    assert _modern({"repo": {"name": "a"}}) == (pfs("a"), [])


def test_a_repo_of_1_4_keeps_its_glob() -> None:
    entry = {
        "name": "x",
        "repo": {"name": "a"},
        "branch": "v1",
        "glob": "/",
        "lazy": True,
        "from": "f",
    }

    made, warnings = _modern(entry)

    assert made == pfs("a", "/", name="x", branch="v1", lazy=True)
    assert len(warnings) == 1
    assert "inputs[0].from is left out" in warnings[0]


def test_run_empty_is_left_out_with_a_warning() -> None:
    made, warnings = _modern({"repo": {"name": "a"}, "runEmpty": True})

    assert made == pfs("a")
    assert "succeeds with empty output" in warnings[0]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "inputs"),
        ("images", "inputs"),
        (["images"], "inputs[0]"),
        ([{"repo": {"name": "a"}, "method": "split"}], "inputs[0].method"),
        ([{"repo": {"name": "a"}, "method": {"partition": "x"}}], "inputs[0].method.partition"),
    ],
)
def test_wrong_old_inputs_are_refused_with_their_field(given: object, field: str) -> None:
    with pytest.raises(RefusedError) as caught:
        modernise_inputs(given, Spot("inputs", Notes()))

    assert caught.value.fields["field"] == field


def test_atom_is_read_as_pfs_at_any_depth() -> None:
    loaded = load(input={"cross": [{"atom": {"repo": "a", "glob": "/"}}, pfs("b")]})

    assert loaded.spec.input == load(input={"cross": [pfs("a", "/"), pfs("b")]}).spec.input
    assert loaded.warnings == ('input.cross[0].atom is the older name of "pfs"; write "pfs"',)


def test_an_s3_address_for_a_repo_is_read_as_its_name() -> None:
    loaded = load(input=pfs("s3://images/", "/"))

    assert isinstance(loaded.spec.input, PfsInput)
    assert loaded.spec.input.repo == "images"
    assert len(loaded.warnings) == 1


@pytest.mark.parametrize("value", [3, None, {"pfs": 3}, {"cross": 3}])
def test_what_is_no_input_is_left_to_the_table(value: object) -> None:
    assert modernise_input(value, Spot("input", Notes())) == value


@pytest.mark.parametrize(
    ("given", "propagates"),
    [
        ("never", False),
        ({"never": True}, False),
        ({"never": "true"}, False),
        ({"never": False}, True),
    ],
)
def test_an_input_that_causes_nothing_is_written_in_two_ways(
    given: object, propagates: bool
) -> None:
    loaded = load(input=pfs("a", "/", propagation_spec=given))

    assert isinstance(loaded.spec.input, PfsInput)
    assert loaded.spec.input.propagate is propagates
    assert loaded.warnings == ()
