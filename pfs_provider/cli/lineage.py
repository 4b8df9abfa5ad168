"""What a commit or file was made of, and what was made of it."""

from pfs_provider.cli.options import FullTimesOption, OutputOption, RefArgument
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show_all
from pfs_provider.cli.tree import app

__all__ = ["provenance", "subvenance"]


@app.command("provenance")
def provenance(
    ref: RefArgument, output: OutputOption = Output.TEXT, full_timestamps: FullTimesOption = False
) -> None:
    """List what a commit was made of, nearest first; with :/PATH the files, each with its datum."""
    with open_pfs() as pfs:
        show_all(pfs.provenance(ref), output, full_times=full_timestamps)


@app.command("subvenance")
def subvenance(
    ref: RefArgument, output: OutputOption = Output.TEXT, full_timestamps: FullTimesOption = False
) -> None:
    """List what was made of a commit, nearest first; with :/PATH the files, each with its datum."""
    with open_pfs() as pfs:
        show_all(pfs.subvenance(ref), output, full_times=full_timestamps)
