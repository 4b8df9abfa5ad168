"""A Python function named ``module:function``: imported here to be checked, and where it runs.

Invariants: the program holds a digest of the function's source with all that it reaches of its
module, so that a change there is another program, and a change elsewhere in the file is none; the
functions and classes that are imported where it runs are those that were looked at, or the datum
fails and says so. Must not know: pipelines.
"""

import ast
import hashlib
import importlib
import inspect
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.verbs.programs import (
    call_lines,
    check_function,
    check_size,
    get_text,
    refuse_function,
)

__all__ = ["find_function", "make_import_program"]

INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
"""Folders that the Python of this environment looks through anyhow."""
CHANGED = " is another here than when its pipeline was made: make it again with pfs map"


def find_function(name: str) -> FunctionType:
    """Return the function that ``module:function`` names, imported.

    Raises:
        RefusedError: ``spec-illegal``: the name is malformed, the module cannot be imported or has
            no such function, or it is none that a program can call.
    """
    module_name, colon, function_name = name.partition(":")
    parts = [*module_name.split("."), function_name]
    if not colon or not all(part.isidentifier() for part in parts):
        raise _refuse(name, "write it as MODULE:FUNCTION, such as pictures.edges:find")
    if module_name == "__main__":
        raise _refuse(name, "a worker's __main__ is another program: put it into a module")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise _refuse(name, f"the module {module_name} cannot be imported here: {why}") from error
    try:
        found = getattr(module, function_name)
    except AttributeError:
        raise _refuse(name, f"the module {module_name} has no {function_name}") from None
    function = check_function(found)
    if function.__code__.co_freevars:  # no digest could see what it closes over
        names = ", ".join(function.__code__.co_freevars)
        raise refuse_function(
            function, f"uses {names} of the function around it: write it at the module's top"
        )
    return function


def make_import_program(
    name: str,
    function: FunctionType,
    *,
    inputs: Sequence[str],
    arguments: Mapping[str, Any],
    here: bool,
) -> list[str]:
    """Return the lines of a program that imports a function and calls it on one datum.

    Args:
        name: ``module:function``.
        function: What ``find_function`` gave.
        inputs: Names of the inputs.
        arguments: More arguments, of what JSON knows.
        here: The workers use this environment: they find modules that are not installed where
            they are found now. Else the image has the module.

    Raises:
        RefusedError: ``spec-illegal``: there is no source to look at, or an argument is no JSON.
    """
    home = function.__module__
    if getattr(sys.modules.get(home), function.__name__, None) is not function:
        raise refuse_function(function, f"is not what {home}:{function.__name__} is: name that")
    folder = _folder(home) if here else None
    reached = _reached(function)
    program = [
        f"# {name}. Digest of its source and of all that it uses of its module:",
        f"# {_digest(chr(0).join(reached.values()))}",
        "import hashlib as _hashlib, importlib as _importlib, inspect as _inspect",
        "import os as _os, pathlib as _pathlib, sys as _sys",
        *([f"_sys.path[:0] = [{folder!r}]"] if folder else []),
        f"_module = _importlib.import_module({home!r})",
        "for _name, _digest in {",
        *(f"    {each!r}: {digest!r}," for each, digest in _checkable(home, reached).items()),
        "}.items():",
        "    _source = _inspect.getsource(getattr(_module, _name))",
        "    if _hashlib.sha256(_source.encode()).hexdigest() != _digest:",
        f"        _sys.exit({home + ':'!r} + _name + {CHANGED!r})",
        *call_lines(function, f"_module.{function.__name__}", inputs=inputs, arguments=arguments),
    ]
    check_size(function, program)
    return program


def _folder(module_name: str) -> str | None:
    """Return the folder in which a module was found, if it is not an installed one."""
    file = getattr(sys.modules[module_name], "__file__", None)
    if file is None:
        return None
    path = Path(file).resolve()
    # From the file up to the folder that the module's first name stands in.
    up = module_name.count(".") + (path.name == "__init__.py")
    folder = str(path.parents[up])
    return None if folder in INSTALLED else folder


def _reached(function: FunctionType) -> dict[str, str]:
    """Return what a function reaches of its own module: the text by what it names, itself first."""
    reached = {function.__name__: get_text(function)}
    text = inspect.getsource(sys.modules[function.__module__])
    lines = text.splitlines()
    for each in _reach(ast.parse(text).body, function.__name__):
        name = ",".join(_made(each))
        reached.setdefault(name, "\n".join(lines[_first_line(each) - 1 : each.end_lineno]))
    return reached


def _checkable(module_name: str, names: Iterable[str]) -> dict[str, str]:
    """Return the digests of those functions and classes that can be looked at where they run."""
    found = {name: getattr(sys.modules[module_name], name, None) for name in names}
    return {
        name: _digest(inspect.getsource(value))
        for name, value in found.items()
        if (isinstance(value, FunctionType) or inspect.isclass(value))
        and value.__module__ == module_name
    }


def _reach(statements: Sequence[ast.stmt], name: str) -> list[ast.stmt]:
    """Return the statements of a module that make a name, and all names that those use."""
    makers: dict[str, list[int]] = {}
    for number, statement in enumerate(statements):
        for made in _made(statement):
            makers.setdefault(made, []).append(number)
    todo, reached = [name], set[int]()
    while todo:
        for number in makers.pop(todo.pop(), ()):
            if number not in reached:
                reached.add(number)
                found = ast.walk(statements[number])
                todo += [part.id for part in found if isinstance(part, ast.Name)]
    return [statements[number] for number in sorted(reached)]


def _made(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at the top of a module gives a value to."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for part in ast.walk(statement):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.alias):
            yield (part.asname or part.name).partition(".")[0]
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield part.name  # below an if or try


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(name: str, why: str) -> RefusedError:
    return RefusedError(ErrorCode.SPEC_ILLEGAL, f"the function {name}: {why}", field="function")
