"""A Python function as user code: its source, shipped on standard input to any Python.

Invariants: equal functions with equal arguments give equal programs, so that what was done is not
done again; a program needs nothing of this package, or of the file that the function stood in.
Must not know: pipelines, or who ships.
"""

import ast
import builtins
import dis
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = [
    "MAX_BYTES",
    "OUT",
    "call_lines",
    "check_call",
    "check_function",
    "check_size",
    "get_text",
    "make_program",
    "refuse_function",
]

MAX_BYTES = 256 * 1024
"""Of a program: it lies in the spec, and travels with every plan."""
OUT = "out"
"""Parameter that is the folder for results."""
ROOT = '_root = _pathlib.Path(_os.environ.get("PFS_ROOT", "/pfs"))'
ODD = {
    "a coroutine": inspect.iscoroutinefunction,
    "a generator": inspect.isgeneratorfunction,
    "an asynchronous generator": inspect.isasyncgenfunction,
}
"""Functions of which a call runs nothing."""


def make_program(
    function: Callable[..., object], *, inputs: Sequence[str], arguments: Mapping[str, Any]
) -> list[str]:
    """Return the lines of a program that calls a function on one datum.

    Args:
        function: Takes its inputs, and ``out``, as ``Path``, by their names; those that it has no
            parameter for it can do without. It uses nothing of its module: what it imports, it
            imports itself.
        inputs: Names of the inputs.
        arguments: More arguments, of what JSON knows.

    Raises:
        RefusedError: ``spec-illegal``: it is no plain function, it uses what is not shipped, an
            argument is no JSON, or it is too long.
    """
    plain = check_function(function)
    _check_names(plain)
    program = [
        "from __future__ import annotations",
        "import os as _os, pathlib as _pathlib",
        "",
        *_source(plain),
        "",
        *call_lines(plain, plain.__name__, inputs=inputs, arguments=arguments),
    ]
    check_size(plain, program)
    return program


def check_function(function: object) -> FunctionType:
    """Return what was given if it is a function that a program can call.

    Raises:
        RefusedError: ``spec-illegal``: a lambda, method, class, coroutine, generator, or what
            another decorator made of a function.
    """
    if inspect.ismethod(function):
        raise refuse_function(function, "is a method: its object is not shipped; use a function")
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        raise refuse_function(function, "is no plain function: write it with def")
    for kind, is_kind in ODD.items():
        if is_kind(function):
            raise refuse_function(function, f"is {kind}: write it as a plain function")
    if hasattr(function, "__wrapped__"):
        raise refuse_function(
            function, "is wrapped by another decorator, which is not shipped: leave that out"
        )
    return function


def check_call(
    function: FunctionType, *, inputs: Sequence[str], arguments: Mapping[str, Any]
) -> None:
    """Refuse a function that cannot be called with these inputs and arguments.

    Raises:
        RefusedError: ``spec-illegal``, naming the parameter.
    """
    parameters = _parameters(function)
    for name, parameter in parameters.items():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise refuse_function(function, f"takes {name} by its place only: remove the /")
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        if parameter.default is parameter.empty and name not in {*inputs, OUT, *arguments}:
            known = ", ".join((*inputs, OUT))
            raise refuse_function(
                function, f"takes {name}, which is neither an argument given nor one of {known}"
            )
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    for name in arguments:
        if name not in parameters and not takes_any:
            raise refuse_function(function, f"has no parameter {name}, which is given")


def call_lines(
    function: FunctionType, name: str, *, inputs: Sequence[str], arguments: Mapping[str, Any]
) -> list[str]:
    """Return the lines that call a function, by the name that it has in the program.

    Raises:
        RefusedError: ``spec-illegal``: an argument is no JSON.
    """
    parameters = _parameters(function)
    folders = [each for each in (*inputs, OUT) if each in parameters and each not in arguments]
    given = [f"    {each}=_root / {each!r}," for each in folders]
    given += [
        f"    {each}={_literal(function, each, value)},"
        for each, value in sorted(arguments.items())
    ]
    return [ROOT, f"{name}(", *given, ")"]


def check_size(function: FunctionType, program: Sequence[str]) -> None:
    """Refuse a program that is too long for a spec.

    Raises:
        RefusedError: ``spec-illegal``.
    """
    n_bytes = sum(len(line.encode()) + 1 for line in program)
    if n_bytes > MAX_BYTES:
        raise refuse_function(
            function, f"is {n_bytes} bytes of source with its arguments: {MAX_BYTES} at most"
        )


def get_text(function: FunctionType) -> str:
    """Return a function's source as it stands in its file, decorators included.

    Raises:
        RefusedError: ``spec-illegal``: there is none.
    """
    try:
        return inspect.getsource(function)
    except OSError as error:
        raise refuse_function(
            function, f"has no source that could be shipped ({error}): put it into a file"
        ) from None


def refuse_function(function: object, why: str) -> RefusedError:
    """Return the error that names a function and says why it cannot be user code."""
    name = getattr(function, "__qualname__", None) or repr(function)
    return RefusedError(
        ErrorCode.SPEC_ILLEGAL,
        f"transform.stdin: the function {name} {why}",
        field="transform.stdin",
    )


def _parameters(function: FunctionType) -> Mapping[str, inspect.Parameter]:
    if sys.version_info >= (3, 14):
        # Annotations are worked out when asked for; a name in one may be for checkers only.
        from annotationlib import Format  # noqa: PLC0415 # lazy: 3.14 has it first

        return inspect.signature(function, annotation_format=Format.FORWARDREF).parameters
    return inspect.signature(function).parameters


def _source(function: FunctionType) -> list[str]:
    """Return the function's lines without its decorators."""
    text = get_text(function)
    nested = text[:1].isspace()
    if nested:
        # A block of its own, and not dedented, if that would change a text of several lines.
        block, dedented = f"if True:\n{text}", textwrap.dedent(text)
        node = ast.parse(block).body[0].body[0]  # type: ignore[attr-defined] # the `if` above
        if _is_same(node, dedented):
            text, nested = dedented, False
        else:
            text = block
    if not nested:
        (node,) = ast.parse(text).body
    if not isinstance(node, ast.FunctionDef):
        raise refuse_function(function, "is no plain function: write it with def")
    _check_defaults(function, node)
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return ["if True:", *lines] if nested else lines


def _is_same(node: ast.stmt, text: str) -> bool:
    try:
        return ast.dump(ast.parse(text).body[0]) == ast.dump(node)
    except SyntaxError:
        return False


def _check_names(function: FunctionType) -> None:
    code = function.__code__
    if code.co_freevars:
        raise refuse_function(
            function,
            f"uses {', '.join(code.co_freevars)} of the function around it: give it as an argument",
        )
    known = vars(builtins).keys() | {function.__name__}
    _refuse_names(function, {name for name in _globals(code) if name not in known})


def _check_defaults(function: FunctionType, node: ast.FunctionDef) -> None:
    """Refuse defaults that name something: they are worked out again where the program runs."""
    defaults = [*node.args.defaults, *(one for one in node.args.kw_defaults if one)]
    found = (part for default in defaults for part in ast.walk(default))
    names = {part.id for part in found if isinstance(part, ast.Name)}
    _refuse_names(function, names - vars(builtins).keys())


def _refuse_names(function: FunctionType, foreign: set[str]) -> None:
    if foreign:
        raise refuse_function(
            function,
            f"uses {', '.join(sorted(foreign))} of its module, which is not shipped: import it "
            "inside the function, or give it as an argument",
        )


def _globals(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)


def _literal(function: FunctionType, name: str, value: object) -> str:
    try:
        return repr(json.loads(json.dumps(value)))
    except (TypeError, ValueError) as error:
        raise refuse_function(function, f"cannot take the argument {name}: {error}") from None
