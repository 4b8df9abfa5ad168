"""What makes workers of this machine run a pipeline's user code in containers of its image.

Invariant: what is missing is told before a worker is started. Must not know: settings.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.container_engine import ContainerEngine, Pull
from pfs_provider.jobs.container_options import find_unsupported, render_options
from pfs_provider.spec.model import PipelineSpec

__all__ = ["ContainerSetup"]

MEMORY = Path("/dev/shm")  # noqa: S108 made for this; the scratch folder in it is private
ROOT_INSIDE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSetup:
    """Says how each pipeline's containers are.

    Args:
        engine: Whose containers.
        image: For pipelines that name none; may be empty.
        pull: When an image's registry is asked for it.
        options: More for ``run``, from whoever set this machine up; stronger than the spec's.
    """

    engine: ContainerEngine
    image: str
    pull: Pull
    options: tuple[str, ...]

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return the fields of a spec that ask for what a container here cannot give."""
        return find_unsupported(spec)

    def arguments(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return the arguments of a pipeline's workers; its image is there then.

        Raises:
            RefusedError: ``spec-illegal``: no image is named.
            UnavailableError: ``sandbox-unavailable``: the image cannot be had.
        """
        image = spec.transform.image or self.image
        if not image:
            raise RefusedError(
                ErrorCode.SPEC_ILLEGAL,
                "transform.image: it is missing, and so is a default: name one there, or set "
                "PFS_CONTAINER_IMAGE",
                field="transform.image",
            )
        self.engine.ensure_image(image, self.pull)
        box = {
            "engine": self.engine.program,
            "image": image,
            "options": [*render_options(spec, self.engine), *self.options],
            # In there the numbers of a user are others: its own group is that of root.
            "group": ROOT_INSIDE if self.engine.is_rootless else None,
        }
        limit = spec.resource_limits.memory
        return (
            *("--container", json.dumps(box)),
            *(("--memory-limit", limit) if limit else ()),
            # Memory for one datum, not for a second one beside it.
            *(("--scratch", _memory_scratch(), "--serial") if spec.transform.memory_volume else ()),
        )


def _memory_scratch() -> str:
    if not MEMORY.is_dir():
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"transform.memory_volume: this machine has no {MEMORY}: take it out of the spec",
            field="transform.memory_volume",
        )
    folder = MEMORY / f"pfs-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():  # all may write beside it
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"{folder}, where transform.memory_volume stages files, is another user's: remove it",
            path=str(folder),
        )
    return str(folder)
