"""Our templates as hera tasks: drop them into a ``DAG``, or into ``Steps``, of a workflow.

    with Workflow(generate_name="train-", entrypoint="main", service_account_name="pfs-workflow"):
        with DAG(name="main"):
            edges = PfsPipeline(name="edges")
            train = train_model(arguments={"data": edges.commit})
            edges >> train

Invariants: what they make is a reference to a template with arguments, so that the workflow is
small and passes where the controller lets submitters set nothing else.
"""

from typing import Any

from hera.workflows import Step, Task
from hera.workflows import models as m

from pfs_provider.argo.names import CHECKOUT, COMMIT, MAP, PIPELINE, PIPELINES
from pfs_provider.argo.templates import RUN

__all__ = [
    "PfsCheckout",
    "PfsCommit",
    "PfsMap",
    "PfsPipeline",
    "PfsPipelines",
]


class _OurTask(Task):
    """A task that runs one of our templates."""

    @property
    def commit(self) -> str:
        """What stands for the commit that the task gave, ``project/repo@id``."""
        return f"{{{{tasks.{self.name}.outputs.parameters.commit}}}}"

    def as_step(self) -> Step:
        """Return the same for ``Steps``; its commit is ``steps.<name>.outputs.parameters.commit``.

        Make the task outside of any ``with`` block, and the step inside.
        """
        return Step(
            name=self.name,
            template_ref=self.template_ref,
            arguments=self.arguments,
            when=self.when,
            continue_on=self.continue_on,
        )


class PfsPipeline(_OurTask):
    """Run a pipeline's next job, and wait for it.

    Args:
        name: The pipeline, and the task's name.
        pipeline: ``[project/]pipeline``, where the task has another name.
        job: The id of the job; None takes the next that is ready.
        workers: How many; None leaves it to the spec.
        max_pods: More workers than that become one Indexed Job.
        cluster: Whether the ClusterWorkflowTemplate is meant.
        kwargs: As for hera's ``Task``.
    """

    def __init__(
        self,
        *,
        name: str,
        pipeline: str | None = None,
        job: str | None = None,
        workers: int | None = None,
        max_pods: int | None = None,
        cluster: bool = False,
        **kwargs: Any,
    ) -> None:
        given = {"pipeline": pipeline or name, "job": job, "workers": workers, "max-pods": max_pods}
        super().__init__(name=name, **_reference(PIPELINE, given, cluster=cluster), **kwargs)


class PfsPipelines(_OurTask):
    """Run all jobs of a change, or all that are ready, stage after stage.

    Args:
        name: The task's name.
        change: The change; None means all that is ready.
        cluster: Whether the ClusterWorkflowTemplate is meant.
        kwargs: As for hera's ``Task``.
    """

    def __init__(
        self, *, name: str, change: str | None = None, cluster: bool = False, **kwargs: Any
    ) -> None:
        reference = _reference(PIPELINES, {"change": change}, cluster=cluster)
        super().__init__(name=name, **reference, **kwargs)


class PfsMap(_OurTask):
    """Run a command in an image over the pieces of a commit, into a repo of results.

    Args:
        name: The task's name, and the output repo's.
        input: ``repo@branch`` or ``repo@id``.
        image: Of the user code.
        command: A line for a shell, or a JSON list.
        output: The output repo, where the task has another name.
        glob: What is one piece of work.
        workers: How many; None leaves it to the default.
        cluster: Whether the ClusterWorkflowTemplate is meant.
        kwargs: As for hera's ``Task``.
    """

    def __init__(  # noqa: PLR0913 the knobs of the template
        self,
        *,
        name: str,
        input: str,  # noqa: A002 the word of the template
        image: str,
        command: str,
        output: str | None = None,
        glob: str = "/*",
        workers: int | None = None,
        cluster: bool = False,
        **kwargs: Any,
    ) -> None:
        given = {
            "input": input,
            "output": output or name,
            "image": image,
            "command": command,
            "glob": glob,
            "workers": workers,
        }
        super().__init__(name=name, **_reference(MAP, given, cluster=cluster), **kwargs)


class PfsCheckout(_OurTask):
    """Write the files of a commit into a volume.

    Args:
        name: The task's name.
        ref: ``repo@branch`` or ``repo@id``, with ``:/path`` for a part.
        claim: The PersistentVolumeClaim.
        folder: Where in the volume.
        cluster: Whether the ClusterWorkflowTemplate is meant.
        kwargs: As for hera's ``Task``.
    """

    def __init__(
        self,
        *,
        name: str,
        ref: str,
        claim: str,
        folder: str = ".",
        cluster: bool = False,
        **kwargs: Any,
    ) -> None:
        given = {"ref": ref, "claim": claim, "folder": folder}
        super().__init__(name=name, **_reference(CHECKOUT, given, cluster=cluster), **kwargs)


class PfsCommit(_OurTask):
    """Put the files of a volume as one commit, linked to what it was made of.

    Args:
        name: The task's name.
        branch: ``repo@branch``, with ``:/path`` for a part.
        claim: The PersistentVolumeClaim.
        folder: Which part of the volume.
        provenance: Commits that it was made of, such as the ``commit`` of a PfsCheckout.
        message: For people.
        cluster: Whether the ClusterWorkflowTemplate is meant.
        kwargs: As for hera's ``Task``.
    """

    def __init__(  # noqa: PLR0913 the knobs of the template
        self,
        *,
        name: str,
        branch: str,
        claim: str,
        folder: str = ".",
        provenance: tuple[str, ...] = (),
        message: str = "",
        cluster: bool = False,
        **kwargs: Any,
    ) -> None:
        given = {
            "branch": branch,
            "claim": claim,
            "folder": folder,
            "provenance": " ".join(provenance),
            "message": message,
        }
        super().__init__(name=name, **_reference(COMMIT, given, cluster=cluster), **kwargs)


def _reference(template: str, given: dict[str, Any], *, cluster: bool) -> dict[str, Any]:
    parameters = [
        m.Parameter(name=name, value=f"{value}")
        for name, value in given.items()
        if value is not None
    ]
    return {
        "template_ref": m.TemplateRef(
            name=template, template=RUN, cluster_scope=True if cluster else None
        ),
        "arguments": m.Arguments(parameters=parameters),
    }
