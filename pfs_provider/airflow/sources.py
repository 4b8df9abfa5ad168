"""A Python function as user code: its source, shipped on standard input to any Python.

Invariants: equal functions with equal arguments give equal programs, so that what was done is not
done again; a program needs nothing of this package, of Airflow, or of the file that the function
stood in. Must not know: pipelines, Airflow.
"""

import ast
import builtins
import dis
import inspect
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["MAX_BYTES", "OUT", "make_program"]

MAX_BYTES = 256 * 1024
"""Of a program: it lies in the spec, and travels with every plan."""
OUT = "out"
"""Parameter that is the folder for results."""


def make_program(
    function: Callable[..., object], *, inputs: tuple[str, ...], arguments: Mapping[str, Any]
) -> list[str]:
    """Return the lines of a program that calls a function on one datum.

    Args:
        function: Takes its inputs, and ``out``, as ``Path``, by their names; those that it has no
            parameter for it can do without. It uses nothing of its module: what it imports, it
            imports itself.
        inputs: Names of the inputs.
        arguments: More arguments, of what JSON knows.

    Raises:
        RefusedError: ``spec-illegal``: it uses what is not shipped, an argument is no JSON, or it
            is too long.
    """
    _check_names(function)
    parameters = inspect.signature(function).parameters
    folders = [name for name in (*inputs, OUT) if name in parameters and name not in arguments]
    given = [f"    {name}=root / {name!r}," for name in folders]
    given += [f"    {name}={_literal(name, value)}," for name, value in sorted(arguments.items())]
    program = [
        "from __future__ import annotations",
        "import os as _os, pathlib as _pathlib",
        "",
        *_source(function).splitlines(),
        "",
        'root = _pathlib.Path(_os.environ.get("PFS_ROOT", "/pfs"))',
        f"{function.__name__}(",
        *given,
        ")",
    ]
    n_bytes = sum(len(line.encode()) + 1 for line in program)
    if n_bytes > MAX_BYTES:
        raise _refuse(f"is {n_bytes} bytes of source with its arguments: {MAX_BYTES} at most")
    return program


def _source(function: Callable[..., object]) -> str:
    """Return the function's text without its decorators."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except OSError as error:
        raise _refuse(
            f"has no source that could be shipped ({error}): put it into a file"
        ) from None
    (node,) = ast.parse(text).body
    if not isinstance(node, ast.FunctionDef):
        raise _refuse("is no plain function: write it with def")
    return "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])


def _check_names(function: Callable[..., object]) -> None:
    code = function.__code__
    if code.co_freevars:
        raise _refuse(
            f"uses {', '.join(code.co_freevars)} of the function around it: give it as an argument"
        )
    known = vars(builtins).keys() | {function.__name__}
    foreign = sorted({name for name in _globals(code) if name not in known})
    if foreign:
        raise _refuse(
            f"uses {', '.join(foreign)} of its module, which is not shipped: import it inside the "
            "function, or give it as an argument"
        )


def _globals(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)


def _literal(name: str, value: Any) -> str:
    try:
        return repr(json.loads(json.dumps(value)))
    except (TypeError, ValueError) as error:
        raise _refuse(f"cannot take the argument {name}: {error}") from None


def _refuse(why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SPEC_ILLEGAL, f"transform.stdin: the function {why}", field="transform.stdin"
    )
