"""An input in one line, for tables: ``images:/*``, ``a:/* ⨯ b:/``, ``Group: a:/(*)``.

Must not know: anything but the model.
"""

from typing import assert_never

from pfs_provider.spec.model import (
    CronInput,
    CrossInput,
    GroupInput,
    Input,
    JoinInput,
    PfsInput,
    UnionInput,
)

__all__ = ["input_text"]


def input_text(node: Input) -> str:
    """Return the shorthand of an input; parts that are combined themselves stand in brackets."""
    match node:
        case PfsInput():
            return f"{node.repo_key}:{node.glob}"
        case CronInput():
            return f"{node.name}:{node.spec}"
        case CrossInput(parts):
            return " ⨯ ".join(map(_part_text, parts))
        case UnionInput(parts):
            return " ∪ ".join(map(_part_text, parts))
        case JoinInput(parts):
            return " ⋈ ".join(map(_part_text, parts))
        case GroupInput(parts):
            return "Group: " + ", ".join(map(_part_text, parts))
        case _:
            assert_never(node)


def _part_text(node: Input) -> str:
    text = input_text(node)
    return text if isinstance(node, PfsInput | CronInput) else f"({text})"
