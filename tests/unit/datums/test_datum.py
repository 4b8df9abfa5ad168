from pfs_provider.datums.datum import make_datum
from pfs_provider.refs.names import BranchKey, RepoKey
from tests.unit.datums.examples import datum, piece, shown


def test_pieces_are_sorted_by_input_then_path() -> None:
    made = datum(piece("/2", repo="b"), piece("/1", repo="b"), piece("/9", repo="a"))

    assert shown([made]) == ["a:/9 b:/1 b:/2"]


def test_the_same_piece_twice_counts_once() -> None:
    assert len(datum(piece("/1"), piece("/2"), piece("/1")).pieces) == 2


def test_files_of_two_repos_under_one_name_are_two_pieces() -> None:
    one, two = piece("/1", repo="a", name="x"), piece("/1", repo="b", name="x")

    assert len(make_datum((one, two)).pieces) == 2


def test_a_piece_tells_where_it_is_from_and_how_the_code_sees_it() -> None:
    made = piece("/1", repo="a", name="x", project="vision", branch="v1", lazy=True, reference=True)

    assert (made.input, made.repo) == ("x", RepoKey("vision", "a"))
    assert made.branch == BranchKey(RepoKey("vision", "a"), "v1")
    assert (made.lazy, made.empty_files, made.s3, made.reference) == (True, False, False, True)
    assert (made.join_on, made.group_by) == (None, None)


def test_a_datum_is_as_large_as_its_pieces() -> None:
    assert datum(piece("/1", size=3), piece("/2", size=4)).size == 7
