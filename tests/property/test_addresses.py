"""Addresses read as they are written."""

from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.addresses import Address, parse_address
from pfs_provider.refs.ancestry import Back, FromStart
from pfs_provider.refs.ids import CommitId, is_id
from pfs_provider.refs.names import RepoKey
from pfs_provider.refs.paths import PfsPath, parse_path

LETTERS = "abcXYZ019"
NAMES = st.text(alphabet=LETTERS + "_-", min_size=1, max_size=40).filter(
    lambda name: not is_id(name)
)
PROJECTS = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from(LETTERS),
    st.text(alphabet=LETTERS + "_-", max_size=40),
)
REPOS = st.builds(RepoKey, st.one_of(st.just("default"), PROJECTS), NAMES)
IDS = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32).map(CommitId)
REVISIONS = st.one_of(st.tuples(NAMES, st.none()), st.tuples(st.none(), IDS), st.tuples(NAMES, IDS))
ANCESTRIES = st.one_of(
    st.integers(min_value=-99, max_value=99).map(Back),
    st.integers(min_value=1, max_value=99).map(FromStart),
)
ELEMENTS = st.text(
    alphabet=st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(ELEMENTS, max_size=4).map(lambda parts: PfsPath("/" + "/".join(parts)))


@given(REPOS, REVISIONS, ANCESTRIES, st.one_of(st.none(), PATHS))
def test_an_address_that_is_written_reads_back(
    repo: RepoKey,
    revision: tuple[str | None, CommitId | None],
    ancestry: Back | FromStart,
    path: PfsPath | None,
) -> None:
    address = Address(repo, *revision, ancestry, path)

    assert parse_address(str(address)) == address


@given(PATHS)
def test_a_path_reads_back_as_itself(path: PfsPath) -> None:
    assert parse_path(path) == path
    assert parse_path(path + "/") == path


CODES = {
    ErrorCode.ADDRESS_ILLEGAL,
    ErrorCode.NAME_ILLEGAL,
    ErrorCode.ID_ILLEGAL,
    ErrorCode.PATH_ILLEGAL,
}


def _parsed_or_refused(text: str) -> Address | RefusedError:
    try:
        return parse_address(text)
    except RefusedError as error:
        return error


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    made = _parsed_or_refused(text)

    if isinstance(made, Address):
        assert parse_address(str(made)) == made
    else:
        assert made.code in CODES
