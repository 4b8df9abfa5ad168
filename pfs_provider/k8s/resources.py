"""What a container asks for, from a spec's words to Kubernetes'.

Must not know: which container it is.
"""

from typing import Any

from pfs_provider.spec.model import Resources

__all__ = ["render_resources"]


def render_resources(requests: Resources, limits: Resources) -> dict[str, Any]:
    """Return a container's ``resources``, empty where nothing is asked for.

    Devices such as GPUs are limits on Kubernetes, and a request for them has to be equal: those
    that a spec only requests become limits, too.
    """
    asked, bounds = _quantities(requests), _quantities(limits)
    for gpu in (requests.gpu, limits.gpu):
        if gpu is not None:
            bounds[gpu.type] = str(gpu.number)
            asked.pop(gpu.type, None)
    found = {"requests": asked, "limits": bounds}
    return {name: values for name, values in found.items() if values}


def _quantities(resources: Resources) -> dict[str, str]:
    wanted = {
        "cpu": resources.cpu,
        "memory": resources.memory,
        "ephemeral-storage": resources.disk,
    }
    return {name: value for name, value in wanted.items() if value}
