"""What the commands of a workflow's steps share: where they run, and how they answer.

Invariants: an answer is a file for each output parameter, written whole before the command ends
well; what went wrong is one sentence in the file that the scheduler shows. Must not know: verbs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.session import open_pfs
from pfs_provider.errors import ErrorCode, PfsError, RefusedError

if TYPE_CHECKING:
    from pfs_provider.pfs import Pfs
    from pfs_provider.verbs.workflows import Stay

__all__ = [
    "MessageFileOption",
    "NamespaceOption",
    "NodeOption",
    "OutputsOption",
    "UidOption",
    "WorkflowOption",
    "open_shared",
    "stay_of",
    "telling",
    "write_outputs",
]

NamespaceOption = Annotated[str, typer.Option(help="The workflow's namespace.")]
WorkflowOption = Annotated[str, typer.Option(help="The workflow's name.")]
UidOption = Annotated[str, typer.Option(help="The workflow's uid.")]
NodeOption = Annotated[str, typer.Option(help="The step's name in the workflow.")]
OutputsOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where a file for each output goes.")
]
MessageFileOption = Annotated[
    Path | None,
    typer.Option("--message", metavar="FILE", help="Where it is said what went wrong."),
]


def stay_of(namespace: str, workflow: str, uid: str, node: str = "") -> "Stay":
    """Return where a step runs."""
    from pfs_provider.verbs.workflows import Stay  # noqa: PLC0415 # lazy: --help needs no engine

    return Stay(namespace=namespace, workflow=workflow, uid=uid, node=node)


@contextmanager
def telling(message: Path | None) -> Iterator[None]:
    """Write what goes wrong in the block to a file, too, and let it pass."""
    try:
        yield
    except (PfsError, OSError) as error:
        told = f"{error} [{error.code}]" if isinstance(error, PfsError) else f"{error}"
        if message is not None:
            with suppress(OSError):  # the error itself is the one to tell
                message.write_text(told, encoding="utf-8")
        raise


@contextmanager
def open_shared() -> "Iterator[Pfs]":
    """Open the catalog and store of the settings; a pod's own disk is neither.

    Raises:
        RefusedError: ``settings-illegal`` naming what is not set, and where a step gets it from.
    """
    from pfs_provider.settings import load_settings  # noqa: PLC0415 # lazy: pydantic is not for --help

    settings = load_settings()
    said = {"PFS_CATALOG": settings.catalog, "PFS_STORE": settings.store}
    missing = [name for name, value in said.items() if value is None and settings.home is None]
    if missing:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"{' and '.join(missing)} not set: the ConfigMap pfs-settings, or the Secrets "
            "pfs-catalog and pfs-store of this namespace, are missing or do not say",
            setting=missing[0].removeprefix("PFS_").lower(),
        )
    with open_pfs() as pfs:
        yield pfs


def write_outputs(folder: Path | None, outputs: Mapping[str, str]) -> None:
    """Write each output to the file of its name."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in outputs.items():
        (folder / name).write_text(value, encoding="utf-8")
