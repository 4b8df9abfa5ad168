"""Labels that Argo puts on a workflow when it is submitted, whoever does: expressions of arguments.

Invariants: an expression gives what ``label_value`` does, for arguments of any kind: a label that
is none would fail the workflow before a step can say what is wrong. Must not know: hera, templates.
"""

from pfs_provider.k8s.names import MAX_LABEL, PIPELINE_LABEL, PROJECT_LABEL
from pfs_provider.refs.names import DEFAULT_PROJECT

__all__ = ["argument_label", "pipeline_labels"]


def pipeline_labels(argument: str) -> dict[str, str]:
    """Return expressions for the labels of what runs ``[project/]pipeline``.

    Args:
        argument: Its name in the workflow.
    """
    parts = f'split({_value(argument)}, "/")'
    return {
        PROJECT_LABEL: f'len({parts}) > 1 ? {_legal(f"{parts}[0]")} : "{DEFAULT_PROJECT}"',
        PIPELINE_LABEL: _legal(f"last({parts})"),
    }


def argument_label(argument: str) -> str:
    """Return an expression for an argument as a label's value."""
    return _legal(_value(argument))


def _value(argument: str) -> str:
    return f"workflow.parameters.{argument}"


def _legal(text: str) -> str:
    legal = f'sprig.trunc({MAX_LABEL}, sprig.regexReplaceAll("[^A-Za-z0-9._-]", {text}, "_"))'
    return f'sprig.regexReplaceAll("^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", {legal}, "")'
