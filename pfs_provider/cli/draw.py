"""The command that draws the graph of repos and pipelines."""

from pfs_provider.cli.dag import Dag, draw_dag
from pfs_provider.cli.options import ProjectOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import say
from pfs_provider.cli.tree import draw
from pfs_provider.refs.names import DEFAULT_PROJECT

__all__ = ["draw_pipeline"]


@draw.command("pipeline")
def draw_pipeline(project: ProjectOption = None) -> None:
    """Draw which repos each pipeline reads, top down; a pipeline's box is its output repo's."""
    with open_pfs() as pfs:
        branches = [branch for branch in pfs.iter_branches() if branch.provenance]
    edges = [
        (_name(source.rpartition("@")[0]), _name(f"{branch.project}/{branch.repo}"))
        for branch in branches
        if project in (None, branch.project)
        for source in branch.provenance
    ]
    for line in draw_dag(Dag(edges)):
        say(line)


def _name(repo: str) -> str:
    return repo.removeprefix(f"{DEFAULT_PROJECT}/")
