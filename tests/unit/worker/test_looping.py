"""The loop around a Python program needs nothing of this package."""

import ast
import subprocess
import sys

from pfs_provider.worker.looping import loop_program


def test_it_is_one_program_that_runs_what_it_reads() -> None:
    text = loop_program()

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", text],
        input="print('ran', __name__)",
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "ran __main__\n", "")
    roots = {
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert roots <= sys.stdlib_module_names
