"""The steps of a workflow that only needs files: checkout and commit."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.options import RefArgument
from pfs_provider.cli.show import say
from pfs_provider.cli.step_options import (
    MessageFileOption,
    NamespaceOption,
    NodeOption,
    OutputsOption,
    UidOption,
    WorkflowOption,
    open_shared,
    stay_of,
    telling,
    write_outputs,
)
from pfs_provider.cli.tree import step
from pfs_provider.errors import ErrorCode, NotFoundError

if TYPE_CHECKING:
    from pfs_provider.pfs import Pfs

__all__ = ["checkout_step", "commit_step"]


@step.command("checkout")
def checkout_step(
    ref: RefArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go.")],
    outputs: OutputsOption = None,
    message: MessageFileOption = None,
) -> None:
    """Write a commit's files below FOLDER, and say which commit it was."""
    with telling(message), open_shared() as pfs:
        base, _, path = ref.partition(":")
        found = pfs.inspect_commit(base)
        commit = f"{found.project}/{found.repo}@{found.id}"
        folder.mkdir(parents=True, exist_ok=True)
        pfs.get_tree(f"{commit}:{path or '/'}", str(folder))
    say(commit)
    write_outputs(outputs, {"commit": commit})


@step.command("commit")
def commit_step(  # noqa: PLR0913, PLR0917 - one parameter for each documented option
    branch: Annotated[str, typer.Argument(metavar="REPO@BRANCH[:/PATH]", help="Where to.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Whose contents.")],
    namespace: NamespaceOption,
    workflow: WorkflowOption,
    uid: UidOption,
    node: NodeOption = "",
    provenance: Annotated[str, typer.Option(help="Commits it is made of, with blanks.")] = "",
    title: Annotated[str, typer.Option(help="What the commit is, for people.")] = "",
    replace: Annotated[
        bool, typer.Option(help="Take away what was there before; else add to it.")
    ] = True,
    key: Annotated[str, typer.Option(help="Tells one commit of a workflow from others.")] = "",
    outputs: OutputsOption = None,
    message_file: MessageFileOption = None,
) -> None:
    """Put a folder's contents as one commit, linked to the workflow and to what it was made of.

    A step that is tried again makes no second commit.
    """
    place, _, path = branch.partition(":")
    run = stay_of(namespace, workflow, uid, node).facts()
    own = hashlib.sha256("\0".join([uid, branch, f"{folder}", key]).encode()).hexdigest()[:32]
    with telling(message_file), open_shared() as pfs:
        if not folder.is_dir():
            raise NotFoundError(
                ErrorCode.SOURCE_NOT_FOUND,
                f"there is no folder {str(folder)!r} to commit: is the volume the one that the "
                "step before wrote to?",
                path=str(folder),
            )
        refs = provenance.split()
        with pfs.commit(place, message=title, provenance=refs, run=run, commit_id=own) as commit:
            if replace and _has_files(pfs, place, path or "/"):
                commit.delete_file(path or "/")
            commit.put_tree(path or "/", folder)
        found = pfs.inspect_commit(f"{place.partition('@')[0]}@{own}")
    told = f"{found.project}/{found.repo}@{found.id}"
    say(told)
    write_outputs(outputs, {"commit": told})


def _has_files(pfs: "Pfs", place: str, path: str) -> bool:
    try:
        return next(iter(pfs.list_files(f"{place}:{path}")), None) is not None
    except NotFoundError:
        return False
