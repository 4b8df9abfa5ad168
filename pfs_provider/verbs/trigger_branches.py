"""The branches that a pipeline's inputs with a trigger read: made with it, gone with it.

An input that names a trigger and no branch reads a branch of the pipeline's own in the input's
repo, ``<pipeline>-trigger-<number>``; one that names a branch gives its trigger to that.
Invariant: a branch whose provenance somebody declared never gets a trigger.
Must not know: when triggers fire.

Source: semantics 2.5.
"""

from pfs_provider.catalog import branches
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Trigger
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError
from pfs_provider.refs.names import BranchKey
from pfs_provider.spec.model import InputTrigger, PipelineSpec, pfs_inputs

__all__ = ["drop_trigger_branches", "make_trigger_branches"]


def make_trigger_branches(tx: Tx, spec: PipelineSpec) -> None:
    """Give each input branch with a trigger that trigger; branches that are missing are made.

    Raises:
        NotFoundError: ``repo-not-found``: an input repo.
        RefusedError: ``trigger-illegal``: a circle; ``output-branch``; ``provenance-illegal``: the
            branch has provenance.
    """
    for part in pfs_inputs(spec.input):
        if part.trigger is None:
            continue
        key = part.branch_key
        found = branches.find_branch(tx, key)
        if found is not None and found.provenance:
            raise RefusedError(
                ErrorCode.PROVENANCE_ILLEGAL,
                f"branch {key} has provenance, so it cannot have the trigger of pipeline "
                f"{spec.key}: leave the input's branch out, and the pipeline gets one of its own",
                branch=key.full,
            )
        branches.create_branch(tx, key, trigger=_trigger(part.trigger))


def drop_trigger_branches(tx: Tx, before: PipelineSpec, after: PipelineSpec | None = None) -> None:
    """Delete the pipeline's own branches that ``after`` reads no more, unless others use them."""
    kept = set() if after is None else _own_branches(after)
    for key in sorted(_own_branches(before) - kept):
        if branches.find_branch(tx, key) is None:
            continue
        try:
            branches.delete_branch(tx, key)
        except ConflictError:
            continue  # somebody reads it too


def _own_branches(spec: PipelineSpec) -> set[BranchKey]:
    own = f"{spec.key.name}-trigger-"
    return {
        part.branch_key
        for part in pfs_inputs(spec.input)
        if part.trigger is not None and part.branch.startswith(own)
    }


def _trigger(given: InputTrigger) -> Trigger:
    return Trigger(
        branch=given.branch,
        size=given.size or None,
        commits=given.commits or None,
        rate=given.rate_limit_spec or None,
        cron=given.cron_spec or None,
        all=given.all,
    )
