"""Which datums a plan leaves to be worked."""

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.datums.identity import code_digest
from pfs_provider.jobs.candidates import Candidates
from pfs_provider.jobs.inputs import expand_inputs, load_spec, pinned_inputs
from pfs_provider.jobs.memo import read_record
from pfs_provider.jobs.todo import Todo
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.values import EMPTY_TREE, parse_tree_ref
from tests.pfs_world import PfsWorld, spec


def _fill(world: PfsWorld, todo: Todo) -> None:
    """Look at all datums of the pipeline's next job, as if there had been no job before."""
    ref = world.claim("up")
    with world.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, ref.pipeline, ref.id)
    made, memo = load_spec(world.jobs, job)
    datums = expand_inputs(world.storage, made, pinned_inputs(world.jobs, job.pins))
    tree = EMPTY_TREE if memo is None else parse_tree_ref(memo)
    todo.fill(world.storage, Candidates(datums=datums), code_digest(made), tree)


def _paths(todo: Todo) -> list[str]:
    return [piece.path for record in todo for piece in record.pieces]


def test_at_first_all_is_to_be_worked_in_datum_order(world: PfsWorld) -> None:
    world.put(c="333", a="1", b="22")
    world.pfs.create_pipeline(spec("up"))

    with Todo() as todo:
        _fill(world, todo)

        assert _paths(todo) == ["/a", "/b", "/c"]
        assert (todo.total, list(todo.sizes), todo.skipped) == (3, [1, 2, 3], EMPTY_TREE)


def test_what_the_memo_knows_is_in_the_manifest_instead(world: PfsWorld) -> None:
    world.put(a="1", b="2", c="3")
    world.pfs.create_pipeline(spec("up"))
    world.run_one()
    world.put(b="new", d="4")

    with Todo() as todo:
        _fill(world, todo)

        assert (_paths(todo), todo.total) == (["/b", "/d"], 4)
        entries = [entry for _, entry in iter_entries(world.storage, todo.skipped)]
        records = [read_record(world.storage, entry) for entry in entries]
        assert {piece.path for record in records for piece in record.pieces} == {"/a", "/c"}
