"""Any document is a spec or is refused with its field; what loads reads back."""

from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.spec.load import LoadedSpec, load_specs
from pfs_provider.spec.shapes import SPEC
from tests.unit.spec.examples import document

FIELDS = [field.name for field in SPEC.fields]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.floats(allow_nan=False)
)
WORDS = st.sampled_from(
    [*FIELDS, "pfs", "cross", "repo", "glob", "name", "cmd", "constant", "atom", "inputs", "method"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=8,
)


CHANGES = st.dictionaries(WORDS, VALUES, max_size=4)


def _loaded_or_refused(given_document: dict[str, object]) -> LoadedSpec | RefusedError:
    try:
        return load_specs(given_document)[0]
    except RefusedError as error:
        return error


@given(CHANGES)
def test_any_document_loads_or_is_refused_with_its_field(changes: dict[str, object]) -> None:
    made = _loaded_or_refused({**document(), **changes})

    if isinstance(made, RefusedError):
        assert made.code == ErrorCode.SPEC_ILLEGAL
        assert made.fields["field"]
    else:
        [again] = load_specs(made.document)
        assert again.spec == made.spec
        assert again.document == made.document


SECONDS = st.one_of(st.integers(1, 10**6), st.floats(0.001, 10**6).map(lambda s: round(s, 3)))


@given(SECONDS, st.integers(1, 1000), st.dictionaries(st.text("AB_", min_size=1), st.text("xy$ ")))
def test_numbers_and_texts_read_back(seconds: float, tries: int, env: dict[str, str]) -> None:
    [loaded] = load_specs(
        document(
            datum_timeout=f"{seconds}s",
            datum_tries=str(tries),
            transform={"cmd": ["x"], "env": env},
        )
    )

    [again] = load_specs(loaded.document)

    assert again.spec == loaded.spec
    assert (again.spec.datum_timeout_s, again.spec.datum_tries) == (seconds, tries)
