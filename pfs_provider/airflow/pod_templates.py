"""Somebody's own pod as a pipeline spec: its container becomes the user code, the rest a patch.

Invariants: pure, over plain JSON; what cannot be carried over is refused by name, never dropped.
Must not know: Airflow's tasks, clients of Kubernetes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["find_pod_spec", "spec_of_pod"]

USER = "/containers/0"
"""In a patch: the container of user code."""
RESOURCES = {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "disk"}
OURS = frozenset({"restartPolicy", "containers", "volumes"})
"""Of a pod's spec: carried over by hand, or decided by the Job."""
REFUSED = {
    "initContainers": "bring what they prepare as an input, or into the image",
    "ephemeralContainers": "leave them out",
    "securityContext": "set it on the container; the pod's own belongs to the worker",
}
CARRIED = frozenset({"resources", "volumeMounts", "env", "envFrom", "securityContext"})
WORDS = frozenset({"name", "image", "command", "args", "workingDir"})


def find_pod_spec(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod's spec from a Pod, a PodTemplateSpec or the spec itself.

    Raises:
        RefusedError: ``spec-illegal``: there is none.
    """
    found = template.get("spec", template)
    if not isinstance(found, Mapping) or not found.get("containers"):
        raise _refuse("containers", "there is none: give a Pod, or the spec of one")
    return dict(found)


def spec_of_pod(pod: Mapping[str, Any], *, cmd: Sequence[str] = ()) -> dict[str, Any]:
    """Return the parts of a pipeline spec that run a pod's container as user code.

    Args:
        pod: A pod's spec.
        cmd: In the place of the container's command and arguments.

    Raises:
        RefusedError: ``spec-illegal``: a field that cannot be carried over, by its path.
    """
    for name, way_out in REFUSED.items():
        if pod.get(name):
            raise _refuse(name, way_out)
    user = _pick(pod["containers"])
    for name in sorted(user.keys() - CARRIED - WORDS - {"imagePullPolicy"}):
        if user[name]:
            raise _refuse(f"containers[{user.get('name', '')}].{name}", "user code has no such")
    command = list(cmd) or [*(user.get("command") or ()), *(user.get("args") or ())]
    if not command or not (cmd or user.get("command")):
        raise _refuse("containers.command", "it is missing: images' own commands are not known")
    transform: dict[str, Any] = {"image": user.get("image"), "cmd": command}
    transform |= {"working_dir": user["workingDir"]} if user.get("workingDir") else {}
    plain = {part["name"]: part["value"] for part in user.get("env") or () if part.get("value")}
    transform |= {"env": plain} if plain else {}
    patch = list(_patch(pod, user))
    spec: dict[str, Any] = {"transform": {key: val for key, val in transform.items() if val}}
    spec |= {"pod_patch": json.dumps(patch)} if patch else {}
    for kind in ("requests", "limits"):
        given = _resources((user.get("resources") or {}).get(kind) or {})
        spec |= {f"resource_{kind}": given} if given else {}
    return spec


def _pick(containers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    if len(containers) == 1:
        return containers[0]
    names = ", ".join(str(part.get("name")) for part in containers)
    raise _refuse("containers", f"{names}: one works on datums, take the others out")


def _resources(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {RESOURCES[name]: f"{value}" for name, value in given.items() if name in RESOURCES}
    devices = [(name, value) for name, value in given.items() if name not in RESOURCES]
    if len(devices) > 1:
        raise _refuse("resources", f"{', '.join(name for name, _ in devices)}: one kind of device")
    for name, value in devices:
        known["gpu"] = {"type": name, "number": int(value)}  # type: ignore[assignment] # a mapping
    return known


def _patch(pod: Mapping[str, Any], user: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a spec has no field for, as a JSON patch of the worker's pod."""
    for name in sorted(pod.keys() - OURS - REFUSED.keys()):
        yield {"op": "add", "path": f"/{name}", "value": pod[name]}
    for volume in pod.get("volumes") or ():
        yield {"op": "add", "path": "/volumes/-", "value": volume}
    for mount in user.get("volumeMounts") or ():
        yield {"op": "add", "path": f"{USER}/volumeMounts/-", "value": mount}
    sources = [part for part in user.get("env") or () if part.get("valueFrom")]
    if sources:
        yield {"op": "add", "path": f"{USER}/env", "value": sources}
    for name in ("envFrom", "imagePullPolicy"):
        if user.get(name):
            yield {"op": "add", "path": f"{USER}/{name}", "value": user[name]}
    for name, value in sorted((user.get("securityContext") or {}).items()):
        yield {"op": "add", "path": f"{USER}/securityContext/{name}", "value": value}


def _refuse(path: str, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SPEC_ILLEGAL, f"pod_template.{path}: {why}", field=f"pod_template.{path}"
    )
