"""What a spec asks of a container of docker or podman, in the words of their ``run``.

Invariants: pure; what cannot be carried out is named, not dropped. Must not know: how the container
is started, settings.
"""

from decimal import Decimal

from pfs_provider.jobs.container_engine import ContainerEngine
from pfs_provider.spec.model import PipelineSpec, Resources

__all__ = ["find_unsupported", "render_options"]

MAX_PROCESSES = 4096
"""A command that forks without end fails then; the machine is unharmed."""
NVIDIA = "nvidia.com/gpu"
SHARES_PER_CORE = 1024
_MIN_SHARES = 2
_BINARY, _DECIMAL = "KMGTPE", "kMGTPE"
_SMALL = {"n": -9, "u": -6, "m": -3}


def render_options(spec: PipelineSpec, engine: ContainerEngine) -> tuple[str, ...]:
    """Return the options of ``run`` for a pipeline's containers.

    Requests give weights where containers compete, limits are limits, as in a cluster.
    """
    asked, limits = spec.resource_requests, spec.resource_limits
    found = [
        "--pids-limit", str(MAX_PROCESSES),
        "--label", f"pfs.pipeline={spec.key}",
        # As for pods: root in the image stays root, but gets no devices, sockets or new rights.
        *(f"--cap-drop={name}" for name in ("AUDIT_WRITE", "MKNOD", "NET_RAW")),
        "--security-opt", "no-new-privileges",
        # Else a machine with SELinux keeps the container off the datum's folder.
        "--security-opt", "label=disable",
    ]  # fmt: skip
    if limits.memory:
        n_bytes = str(_number(limits.memory))
        # Swap included: a limit that is met by swapping is none.
        found += ["--memory", n_bytes, "--memory-swap", n_bytes]
    if limits.cpu:
        found += ["--cpus", f"{read_quantity(limits.cpu):f}"]
    if asked.memory and _is_below(asked.memory, limits.memory):
        found += ["--memory-reservation", str(_number(asked.memory))]
    if asked.cpu:
        shares = max(_MIN_SHARES, int(read_quantity(asked.cpu) * SHARES_PER_CORE))
        found += ["--cpu-shares", str(shares)]
    if spec.listens is not None:
        port = spec.listens.internal_port
        found += ["--publish", f"127.0.0.1:{port}:{port}"]
    return (*found, *_gpus(asked, limits, engine))


def find_unsupported(spec: PipelineSpec) -> tuple[str, ...]:
    """Return the fields of a spec that ask for what a container here cannot give."""
    return tuple(
        f"{field}.gpu.type {resources.gpu.type!r}"
        for field, resources in (
            ("resource_requests", spec.resource_requests),
            ("resource_limits", spec.resource_limits),
        )
        if resources.gpu is not None and resources.gpu.type != NVIDIA
    )


def read_quantity(text: str) -> Decimal:
    """Return an amount as Kubernetes writes it as a number: ``500m``, ``1Gi``, ``2e3``."""
    if text.endswith("i"):
        return Decimal(text[:-2]) * Decimal(1024) ** (_BINARY.index(text[-2].upper()) + 1)
    last = text[-1]
    if last in _SMALL:
        return Decimal(text[:-1]).scaleb(_SMALL[last])
    if last in _DECIMAL:
        return Decimal(text[:-1]) * Decimal(1000) ** (_DECIMAL.index(last) + 1)
    return Decimal(text)


def _number(text: str) -> int:
    return int(read_quantity(text))


def _is_below(text: str, limit: str) -> bool:
    return not limit or read_quantity(text) < read_quantity(limit)


def _gpus(asked: Resources, limits: Resources, engine: ContainerEngine) -> list[str]:
    gpu = limits.gpu or asked.gpu
    if gpu is None or not gpu.number:
        return []
    if engine.is_podman:  # by the names of the container device interface
        return [f"--device={gpu.type}={number}" for number in range(gpu.number)]
    return ["--gpus", str(gpu.number)]
