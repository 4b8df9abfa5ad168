"""The program that keeps a Python up and runs the text on its standard input for each datum.

Invariant: it needs nothing of this package where it runs, which may be any image with a Python 3.8.
Must not know: what is run.
"""

from pathlib import Path

from pfs_provider import next_datum

__all__ = ["loop_program"]


def loop_program() -> str:
    """Return the program, for ``python -c``."""
    text = Path(next_datum.__file__).read_text(encoding="utf-8")
    return f"{text}\nrun_for_each(sys.stdin.read())\n"
