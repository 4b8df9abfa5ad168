"""The embedded scheduler."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.error_table import FAILED
from pfs_provider.cli.options import OutputOption
from pfs_provider.cli.progress import JobBars
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show_all
from pfs_provider.cli.tree import app

if TYPE_CHECKING:
    from pfs_provider.infos import JobInfo

__all__ = ["run"]

ENDED = frozenset({"success", "failure", "killed", "unrunnable"})


class ExecutorName(StrEnum):
    """How user code is run."""

    PROCESS = "process"
    CONTAINER = "container"


class LauncherName(StrEnum):
    """Where workers run."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"


@app.command("run")
def run(  # noqa: PLR0913, PLR0917 each is one option of the command
    pipeline: Annotated[
        str | None, typer.Argument(metavar="[PIPELINE]", help="Only its jobs. [default: all]")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers per job. [default: as the spec says]")
    ] = None,
    executor: Annotated[ExecutorName, typer.Option(help="How.")] = ExecutorName.PROCESS,
    launcher: Annotated[
        LauncherName, typer.Option(help="Where workers run: this machine, or pods.")
    ] = LauncherName.LOCAL,
    alive: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Touched every few seconds, for who supervises it."),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Run all jobs that are ready and show them. Exits 1 if one of them failed."""
    n_shown = 0
    with open_pfs() as pfs, JobBars() as bars:

        def tell(job: "JobInfo") -> None:
            nonlocal n_shown
            bars.tell(job)
            if watch and job.state in ENDED:
                show_all([job], output, live=True, go_on=n_shown > 0)
                n_shown += 1

        ended = pfs.run(
            pipeline,
            watch=watch,
            workers=workers,
            executor=executor.value,
            launcher=launcher.value,
            on_progress=tell,
            on_turn=None if alive is None else alive.touch,
        )
    show_all(ended, output)
    sys.stdout.flush()
    if any(job.state != "success" for job in ended):
        raise typer.Exit(FAILED)
