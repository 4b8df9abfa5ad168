"""The port through which a job gets its workers.

Implementations: local_launcher.py, and one per kind of cluster (k8s/launcher.py).
Workers take all they need from the store, so a launcher only starts, watches and stops programs.
"""

from dataclasses import dataclass
from typing import Protocol

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.spec.model import PipelineSpec, pfs_inputs

__all__ = ["Launcher", "Workers", "WorkersState", "check_supported", "find_s3_fields"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersState:
    """How the workers are.

    Args:
        alive: How many are at work, or will be; 0 means that none will come by itself.
        problem: Why work cannot go on, None while it can.
        notice: Why not all are at work yet, None when there is nothing to say. It may pass.
    """

    alive: int
    problem: str | None = None
    notice: str | None = None


class Workers(Protocol):
    """The workers of one job. All verbs are called from one thread."""

    def poll(self) -> WorkersState:
        """Return how they are; called several times a second. Replaces workers that were lost."""

    def stop(self) -> None:
        """End all of them, return when they are gone. Called once or more, also after their end."""

    def leave(self) -> None:
        """Let them work on for the next scheduler; end those that would have none to see them."""


class Launcher(Protocol):
    """Starts workers."""

    @property
    def place(self) -> str:
        """Where its workers are, for messages: ``workers on this machine``."""

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return the fields of a spec that ask for what these workers cannot give."""

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> Workers:
        """Start the workers of a job, or adopt those that run already.

        Args:
            job: Whose plan lies in the store.
            spec: What the job runs: image, resources and the like.
            n_workers: How many, at least 1.

        Raises:
            RefusedError: The spec or the settings cannot be carried out here. None is left.
            UnavailableError: Workers cannot be started here. None is left.
        """


def check_supported(launcher: Launcher, spec: PipelineSpec) -> None:
    """Refuse what would run without what the spec asks for.

    Raises:
        RefusedError: ``spec-illegal`` naming the fields. Nothing was started.
    """
    missing = launcher.find_unsupported(spec)
    if missing:
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"{' and '.join(missing)}: {launcher.place} cannot give that yet; "
            "take it out of the spec and update the pipeline",
            field=missing[0],
        )


def find_s3_fields(spec: PipelineSpec) -> tuple[str, ...]:
    """Return the fields by which a spec asks for an S3 endpoint beside the user code."""
    wanted = {
        "input.pfs.s3": any(part.s3 for part in pfs_inputs(spec.input)),
        "s3_out": spec.s3_out,
    }
    return tuple(field for field, is_wanted in wanted.items() if is_wanted)
