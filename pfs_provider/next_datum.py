"""For user code that stays up: asks the worker for the next datum.

This file needs Python 3.8 and nothing else: an image without this package can have a copy of it.
Invariants: a datum whose function returned is done, one whose function raised has failed; where no
worker is asked (an ordinary pipeline, or your own machine) the function is called once. Must not
know: any other module.
"""

import os
import sys
import traceback
from functools import wraps
from pathlib import Path
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec

    P = ParamSpec("P")

__all__ = ["ask_next", "each_datum", "find_folder", "run_for_each"]

MAX_MESSAGE = 1000
_of_datum: "set[str]" = set()
"""Variables that the datum before had."""


def each_datum(function: "Callable[P, object]") -> "Callable[P, None]":
    """Return a function that calls this one for every datum, with the datum's variables set.

    It never returns where ``transform.datum_batching`` is on: the worker ends the program when no
    datum is left. An exception fails the datum it is raised for, and the loop goes on.
    """

    @wraps(function)
    def loop(*args: "P.args", **kwargs: "P.kwargs") -> None:
        if find_folder() is None:
            function(*args, **kwargs)
            return
        error = None
        while True:
            ask_next(error)
            error = None
            try:
                function(*args, **kwargs)
            except Exception as problem:  # noqa: BLE001  # whatever it is, the datum failed
                traceback.print_exc()
                error = f"{type(problem).__name__}: {problem}"

    return loop


def run_for_each(program: str) -> None:
    """Run the text of a program for every datum, in this interpreter.

    Its own names, the environment, ``sys.path`` and the working folder are as at first for each
    run; what a run leaves in modules that it imports is there for the next one.
    """
    code = compile(program, "<stdin>", "exec", dont_inherit=True)
    environment, path, folder = dict(os.environ), sys.path[:], Path.cwd()  # noqa: TID251

    @each_datum
    def run() -> None:
        module = sys.modules["__main__"] = ModuleType("__main__")
        try:
            exec(code, module.__dict__)  # noqa: S102  # it is what the worker was given to run
        except SystemExit as end:
            if end.code not in {None, 0}:
                raise RuntimeError(f"it exited with {end.code}") from None
        finally:
            os.environ.clear()  # noqa: TID251
            os.environ.update(environment)  # noqa: TID251
            sys.path[:] = path
            os.chdir(folder)

    run()


def ask_next(error: "str | None" = None) -> None:
    """Tell the worker how this datum went, wait for the next one and set its variables.

    Args:
        error: Why this datum failed; None if it is done. Says nothing before the first datum.
    """
    folder = find_folder()
    if folder is None:
        raise RuntimeError("there is nobody to ask for a datum: set transform.datum_batching")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # what was said of this datum belongs into its log
    said = "next" if error is None else "error " + " ".join(error.split())[:MAX_MESSAGE]
    with (folder / "ask").open("wb", buffering=0) as ask:
        ask.write(said.encode(errors="replace") + b"\n")
    with (folder / "answer").open("rb", buffering=0) as answer:
        while answer.read(1) not in (b"\n", b""):
            pass
    _set_variables(folder / "variables")


def find_folder() -> "Path | None":
    """Return the folder in which this program's worker is asked; None where there is none."""
    # TID251: user code has no settings
    folder = Path(os.environ.get("PFS_ROOT", "/pfs"), ".next")  # noqa: TID251
    return folder if (folder / "ask").exists() else None


def _set_variables(path: Path) -> None:
    entries = os.fsdecode(path.read_bytes()).split("\0")
    pairs = [entry.partition("=") for entry in entries if entry]
    for name in _of_datum:
        os.environ.pop(name, None)  # noqa: TID251
    _of_datum.clear()
    for name, _, value in pairs:
        os.environ[name] = value  # noqa: TID251
        _of_datum.add(name)
