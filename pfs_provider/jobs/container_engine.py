"""The docker or podman of this machine: which one answers, and whether it has an image.

Invariants: what is there is asked by doing it; every refusal names the way out. Must not know:
specs, settings, what runs in the containers.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError

__all__ = ["ENGINES", "ContainerEngine", "Pull", "find_engine"]

ENGINES = ("docker", "podman")
"""In this order."""
ANSWER_S = 30.0
"""How long an engine may take to say that it is there."""
PULL_S = 3600.0

Pull = Literal["missing", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEngine:
    """An engine that answers.

    ``program`` is what is run, in ``environment``. ``is_podman`` tells the two apart, whatever the
    program is called; ``is_rootless`` says that root in its containers is this user here.
    """

    program: str
    environment: Mapping[str, str] = field(hash=False, repr=False)
    is_podman: bool
    is_rootless: bool

    def ensure_image(self, image: str, pull: Pull) -> None:
        """See to it that an image is on this machine.

        Args:
            image: Its name.
            pull: Whether to ask its registry: where it is ``missing``, ``always`` or ``never``.

        Raises:
            UnavailableError: ``sandbox-unavailable``: it is not there and cannot be had.
        """
        seen = self._ask("image", "inspect", "--format", "x", image)
        if seen.returncode == 0 and pull != "always":
            return
        by_hand = f"{self.program} pull {image}"
        if pull == "never":
            raise UnavailableError(
                ErrorCode.SANDBOX_UNAVAILABLE,
                f"the image {image!r} is not on this machine and PFS_CONTAINER_PULL says never: "
                f"get it with `{by_hand}`, or set PFS_CONTAINER_PULL=missing",
                image=image,
            )
        done = self._ask("pull", "--quiet", image, timeout_s=PULL_S)
        if done.returncode != 0:
            raise UnavailableError(
                ErrorCode.SANDBOX_UNAVAILABLE,
                f"the image {image!r} cannot be pulled: {_last_line(done.stdout)}: look at its "
                f"name in transform.image, and whether `{by_hand}` works",
                image=image,
            )

    def _ask(
        self, *arguments: str, timeout_s: float = ANSWER_S
    ) -> "subprocess.CompletedProcess[bytes]":
        return _ask([self.program, *arguments], self.environment, timeout_s)


def find_engine(environment: Mapping[str, str], name: str | None = None) -> ContainerEngine:
    """Return the engine of that name, or the first one that answers.

    Args:
        environment: What the engine's program gets.
        name: ``docker``, ``podman`` or a path of one.

    Raises:
        RefusedError: ``settings-illegal``: the name is none of the two.
        UnavailableError: ``sandbox-unavailable``: none is installed, or none answers.
    """
    if name is not None and Path(name).name not in ENGINES:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"setting 'container_engine': {name!r} is neither docker nor podman, nor a path of one",
            setting="container_engine",
        )
    if name is not None and os.sep in name:
        name = os.path.abspath(name)  # noqa: PTH100 # it may be a link; and is started elsewhere
    wanted = ENGINES if name is None else (name,)
    there = [program for program in wanted if shutil.which(program, path=environment.get("PATH"))]
    reasons = []
    for program in there:
        # The server's version: that of the program alone says nothing of the daemon behind it.
        done = _ask([program, "version", "--format", "{{.Server.Version}}"], environment)
        if done.returncode != 0 and Path(program).name == "podman":  # it needs no server
            done = _ask([program, "info"], environment)
        if done.returncode == 0:
            return _describe(program, environment)
        reasons.append(f"{program} is there but does not answer: {_last_line(done.stdout)}")
    if not there:
        what = " or ".join(wanted)
        raise UnavailableError(
            ErrorCode.SANDBOX_UNAVAILABLE,
            f"executor 'container' needs {what}, which is not installed here: install one, for "
            "instance `apt-get install podman`, or run without --executor container",
        )
    raise UnavailableError(
        ErrorCode.SANDBOX_UNAVAILABLE,
        f"{'; '.join(reasons)}: start its daemon (`systemctl start docker`), or have the other "
        "engine with PFS_CONTAINER_ENGINE",
    )


def _describe(program: str, environment: Mapping[str, str]) -> ContainerEngine:
    # A docker has no such field: only podman answers, under whatever name.
    done = _ask([program, "info", "--format", "{{.Host.Security.Rootless}}"], environment)
    is_podman = done.returncode == 0
    return ContainerEngine(
        program=program,
        environment=environment,
        is_podman=is_podman,
        is_rootless=is_podman and b"true" in done.stdout,
    )


def _ask(
    command: Sequence[str], environment: Mapping[str, str], timeout_s: float = ANSWER_S
) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        said = f"no answer within {timeout_s:.0f} s".encode()
    except OSError as error:
        said = str(error).encode()
    return subprocess.CompletedProcess(command, 1, said)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "it says nothing"
