"""What user code is told of its datum, out of a plan. Must not know: where it is told."""

from pfs_provider.jobs.records import DatumRecord, PlanRecord
from pfs_provider.worker.environment import DatumFacts, PieceFacts

__all__ = ["find_facts"]


def find_facts(plan: PlanRecord, datum: DatumRecord) -> DatumFacts:
    """Return the facts of one datum of a plan."""
    commits = {pin.branch: pin.commit for pin in plan.inputs}
    return DatumFacts(
        datum=datum.id.hex(),
        job=plan.job,
        output_commit=plan.job,
        project=plan.project,
        pipeline=plan.pipeline,
        pieces=tuple(
            PieceFacts(
                input=piece.input,
                path=piece.path,
                commit=commits[piece.branch],
                join_on=piece.join_on,
                group_by=piece.group_by,
            )
            for piece in datum.pieces
        ),
    )
