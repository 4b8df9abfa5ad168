"""JSON patches (RFC 6902) and merge patches (RFC 7386) of plain JSON values.

Invariants: the value that is patched is never changed, a new one is returned; a patch is applied
whole or refused with the operation's number and path.
Must not know: what a pod is.
"""

import copy
import json
from collections.abc import Mapping

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["apply_patch"]


class _PatchError(Exception):
    """Why an operation cannot be done."""


def apply_patch(value: object, patch: str, *, field: str) -> object:
    """Return a value patched: by a list as a JSON patch, by an object as a merge patch.

    Args:
        value: JSON as plain values.
        patch: JSON text; "" changes nothing.
        field: Where the patch stands, for messages.

    Raises:
        RefusedError: ``spec-illegal`` naming the field, and the operation that cannot be done.
    """
    if not patch.strip():
        return value
    try:
        parsed = json.loads(patch)
    except ValueError as error:
        raise _refuse(field, f"it is not JSON: {error}") from None
    if isinstance(parsed, Mapping):
        return _merge(value, parsed)
    if not isinstance(parsed, list):
        raise _refuse(field, "it has to be a JSON patch, [{...}], or a merge patch, {...}")
    root: dict[str, object] = {
        "": copy.deepcopy(value)
    }  # so that the whole value has a parent like all others
    for number, operation in enumerate(parsed):
        try:
            _apply(root, operation)
        except _PatchError as why:
            raise _refuse(f"{field}[{number}]", f"{why}") from None
    return root[""]


def _refuse(field: str, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SPEC_ILLEGAL,
        f"{field}: {why}; paths start at the pod's spec, for example "
        '[{"op": "add", "path": "/nodeSelector", "value": {"disk": "ssd"}}]',
        field=field,
    )


def _merge(value: object, patch: object) -> object:
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    merged: dict[str, object] = dict(value) if isinstance(value, Mapping) else {}
    for name, part in patch.items():
        if part is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), part)
    return merged


def _apply(root: dict[str, object], operation: object) -> None:
    if not isinstance(operation, Mapping):
        raise _PatchError('an operation is an object: {"op": …, "path": …}')
    kind, path = operation.get("op"), operation.get("path")
    if not isinstance(path, str):
        raise _PatchError('"path" is missing')
    match kind:
        case "add":
            _add(root, path, _value(operation))
        case "replace":
            _take(root, path)
            _add(root, path, _value(operation))
        case "remove":
            _take(root, path)
        case "move":
            _add(root, path, _take(root, _source(operation)))
        case "copy":
            _add(root, path, copy.deepcopy(_get(root, _source(operation))))
        case "test":
            if _get(root, path) != _value(operation):
                raise _PatchError(f"the test of {path} failed")
        case _:
            raise _PatchError(f'"op" is {kind!r}: add, remove, replace, move, copy or test')


def _value(operation: Mapping[str, object]) -> object:
    if "value" not in operation:
        raise _PatchError('"value" is missing')
    return copy.deepcopy(operation["value"])


def _source(operation: Mapping[str, object]) -> str:
    source = operation.get("from")
    if not isinstance(source, str):
        raise _PatchError('"from" is missing')
    return source


def _parent(root: dict[str, object], path: str) -> tuple[dict[str, object] | list[object], str]:
    """Return what holds the path's last part, and that part."""
    if path and not path.startswith("/"):
        raise _PatchError(f"path {path!r} has to begin with /")
    *above, last = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
    found: object = root
    for part in above:
        found = _child(found, part, path)
    if not isinstance(found, dict | list):
        raise _PatchError(f"{path} leads into something that is neither object nor list")
    return found, last


def _child(holder: object, part: str, path: str) -> object:
    if isinstance(holder, dict) and part in holder:
        return holder[part]
    if isinstance(holder, list):
        return holder[_index(holder, part, path)]
    raise _PatchError(f"{path} does not exist: there is no {part!r}")


def _index(holder: list[object], part: str, path: str, *, more: int = 0) -> int:
    if not part.isdigit() or int(part) >= len(holder) + more:
        raise _PatchError(f"{path} does not exist: the list has {len(holder)} entries")
    return int(part)


def _get(root: dict[str, object], path: str) -> object:
    holder, last = _parent(root, path)
    return _child(holder, last, path)


def _take(root: dict[str, object], path: str) -> object:
    holder, last = _parent(root, path)
    found = _child(holder, last, path)
    if isinstance(holder, list):
        holder.pop(int(last))
    else:
        holder.pop(last)
    return found


def _add(root: dict[str, object], path: str, value: object) -> None:
    holder, last = _parent(root, path)
    if isinstance(holder, dict):
        holder[last] = value
    else:
        place = len(holder) if last == "-" else _index(holder, last, path, more=1)
        holder.insert(place, value)
