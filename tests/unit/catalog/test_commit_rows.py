from pfs_provider.catalog import commit_rows
from pfs_provider.catalog.transaction import Tx
from tests.catalog_world import NOBODY, World, repo


def test_refs_are_cut_into_statements_and_named_once() -> None:
    refs = [("r", str(n % 900)) for n in range(1000)]

    pieces = list(commit_rows.chunked(refs))

    assert [len(piece) for piece in pieces] == [400, 400, 100]
    assert list(commit_rows.chunked([])) == []


def test_states_of_commits_that_exist_are_found(world: World) -> None:
    landed, opened = world.land("A"), world.start("B")
    refs = [("default/A", landed.id), ("default/B", opened.id), ("default/A", NOBODY)]

    with world.catalog.read() as tx:
        states = commit_rows.find_states(tx, refs)

    assert states == {refs[0]: "finished", refs[1]: "open"}


def test_a_commit_that_is_not_there_is_none(tx: Tx) -> None:
    assert commit_rows.fetch_commit(tx, repo("A"), NOBODY) is None
