"""What keeps a pod from starting, and whether it would ever go away by itself.

Invariants: pure, over plain JSON as the API gives it. Want of room is no obstacle: room comes.
Final is what names something that is not there, or an image that a registry has refused: only
somebody who mends it lets such a pod start. Must not know: clients, time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pfs_provider.k8s.diagnosis import list_notices

__all__ = ["Obstacle", "find_obstacle"]

Json = Mapping[str, Any]

MISSING = re.compile(
    r'(?P<kind>secret|configmap|persistentvolumeclaim) "(?P<name>[^"]+)" not found'
    r"|couldn't find key \S+ in (Secret|ConfigMap)"
    r"|references non-existent (secret|config) key"
)
"""As kubelet and scheduler say it."""
BAD_START = re.compile(r"CreateContainerConfigError: (?!.*failed to sync)")
"""A container that contradicts itself, too, such as an image of root's where root is forbidden;
what the node has only not fetched yet comes."""
BAD_IMAGE = re.compile(
    r"(InvalidImageName|ErrImageNeverPull): "
    r"|(ImagePullBackOff|ErrImagePull): .*"
    r"(not found|denied|unauthorized|forbidden|unknown|no match for platform)",
    re.IGNORECASE,
)
"""A registry that gives no answer may give one later."""
NO_ROOM = "Unschedulable: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a pod does not start.

    Args:
        text: In a sentence that names what is missing.
        is_final: Whether it stays until somebody mends it.
    """

    text: str
    is_final: bool


def find_obstacle(pod: Json, events: Sequence[Json]) -> Obstacle | None:
    """Return why a pod does not start, None if nothing but room or time is wanting.

    Args:
        pod: The pod.
        events: Warnings of the namespace (``EVENT_FIELDS``), in any order.
    """
    if pod.get("status", {}).get("phase") != "Pending":
        return None
    for text in list_notices([pod], events):
        missing = MISSING.search(text)
        if missing is not None:
            return Obstacle(text=text + _keys(pod, missing), is_final=True)
        if BAD_START.match(text) or BAD_IMAGE.match(text):
            return Obstacle(text=text, is_final=True)
        if not text.startswith(NO_ROOM):
            return Obstacle(text=text, is_final=False)
    return None


def _keys(pod: Json, missing: re.Match[str]) -> str:
    """Return which keys of a missing Secret or ConfigMap are wanted: the cluster does not say."""
    if missing["kind"] not in {"secret", "configmap"}:
        return ""
    field = "secretKeyRef" if missing["kind"] == "secret" else "configMapKeyRef"
    wanted = sorted(set(_wanted(pod.get("spec", {}), field, missing["name"])))
    return f" (wanted for its key {', '.join(wanted)})" if wanted else ""


def _wanted(part: object, field: str, name: str) -> Iterator[str]:
    if isinstance(part, list):
        for value in part:
            yield from _wanted(value, field, name)
    elif isinstance(part, Mapping):
        for key, value in part.items():
            if key == field and isinstance(value, Mapping) and value.get("name") == name:
                yield str(value.get("key"))
            else:
                yield from _wanted(value, field, name)
