"""The command that tells Argo, or a webhook, of each job that is ready."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.tree import app

if TYPE_CHECKING:
    from pfs_provider.argo.submission import Target, Template

__all__ = ["watch"]


@app.command("watch")
def watch(  # noqa: PLR0913, PLR0917 each is one option of the command
    template: Annotated[
        str, typer.Option(help="What to submit; pfs-pipelines makes one workflow per change.")
    ] = "pfs-pipeline",
    cluster_template: Annotated[
        bool, typer.Option("--cluster-template", help="It is a ClusterWorkflowTemplate.")
    ] = False,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="More arguments for it."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Where to. [default: PFS_K8S_NAMESPACE]")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post there instead of submitting.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="Of those that watch with one name, one is at work.")
    ] = "pfs",
    poll: Annotated[float, typer.Option(min=0.05, help="Seconds between looks.")] = 1.0,
    alive: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Touched at every look, for who supervises it."),
    ] = None,
) -> None:
    """Submit a workflow for each job that is ready, or post it to a webhook, until Ctrl-C.

    Several may run: one is at work, another takes its place within seconds. What was ready while
    none ran is told by the next.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("pfs_provider").setLevel(logging.INFO)
    given = dict(_pair(text) for text in parameter or [])
    from pfs_provider.argo.submission import Template, WebhookTarget  # noqa: PLC0415 # lazy
    from pfs_provider.clock import RandomIds  # noqa: PLC0415 # lazy: --help needs no engine
    from pfs_provider.jobs.owners import new_owner  # noqa: PLC0415 # lazy
    from pfs_provider.settings import load_settings  # noqa: PLC0415 # lazy

    target: Target
    if webhook is not None:
        target = WebhookTarget(webhook, load_settings().watch_token)
    else:
        asked = Template(name=template, cluster=cluster_template, arguments=given)
        target = _workflow_target(asked, namespace)
    with open_pfs() as pfs:
        pfs.watch(
            target,
            owner=new_owner(RandomIds()),
            name=name,
            poll_s=poll,
            on_turn=None if alive is None else alive.touch,
        )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{text!r}: write NAME=VALUE")
    return name, value


def _workflow_target(template: "Template", namespace: str | None) -> "Target":
    # lazy: an extra, and a second to import
    from pfs_provider.argo.submission import WorkflowTarget  # noqa: PLC0415
    from pfs_provider.clock import SystemClock  # noqa: PLC0415
    from pfs_provider.errors import ErrorCode, UnavailableError  # noqa: PLC0415
    from pfs_provider.k8s.cluster import make_cluster  # noqa: PLC0415
    from pfs_provider.settings import load_settings  # noqa: PLC0415

    try:
        from pfs_provider.argo.cluster import ClusterSubmitter  # noqa: PLC0415
        from pfs_provider.k8s.client import open_client  # noqa: PLC0415
    except ImportError as error:
        raise UnavailableError(
            ErrorCode.EXTRA_MISSING,
            "the kubernetes package is not installed: pip install "
            "'airflow-provider-pfs[kubernetes]', or name a --webhook",
            extra="kubernetes",
        ) from error
    # The image of workers is the template's business.
    said = {"worker_image": "of-the-template"} | load_settings().cluster
    cluster = make_cluster(said | ({} if namespace is None else {"namespace": namespace}))
    return WorkflowTarget(ClusterSubmitter(open_client(cluster, SystemClock())), template)
