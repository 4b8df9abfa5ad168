"""The options and arguments that several commands share."""

from typing import Annotated

import typer

from pfs_provider.cli.show import Output

__all__ = [
    "ForceOption",
    "FullTimesOption",
    "JobArgument",
    "LimitOption",
    "MessageOption",
    "OutputOption",
    "PipelineArgument",
    "ProjectOption",
    "RefArgument",
    "RepoArgument",
    "SpecOption",
]

OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="json: one object a line, with stable fields.")
]
FullTimesOption = Annotated[
    bool, typer.Option("--full-timestamps", help="Show times in full instead of how long ago.")
]
LimitOption = Annotated[
    int | None, typer.Option("--number", "-n", min=1, help="At most so many, the newest.")
]
ProjectOption = Annotated[
    str | None, typer.Option("--project", help="Only of this project. [default: all]")
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Even if something uses it.")]
MessageOption = Annotated[str, typer.Option("--message", "-m", help="What it is, for people.")]
SpecOption = Annotated[
    str, typer.Option("--file", "-f", metavar="FILE|URL|-", help="The spec; - is standard input.")
]
RepoArgument = Annotated[str, typer.Argument(metavar="REPO", help="[PROJECT/]REPO.")]
RefArgument = Annotated[
    str, typer.Argument(metavar="REF", help="REPO@BRANCH or REPO@ID, with :/PATH for files.")
]
PipelineArgument = Annotated[str, typer.Argument(metavar="PIPELINE", help="[PROJECT/]PIPELINE.")]
JobArgument = Annotated[str, typer.Argument(metavar="PIPELINE@ID", help="The job.")]
