"""Run the benchmarks one after another and print their tables: ``make bench``.

    run.py [NAME...] [--OPTION...]     bench_NAME.py only; options are handed to each script

Every ``bench_*.py`` here is a program that prints its own table with the goal beside the figure.
A slow figure never fails; a benchmark that breaks does.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent


def main() -> None:
    """Run what was asked for, and end with 1 if a benchmark broke."""
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    scripts = find_scripts(names)
    print(describe_machine(), flush=True)
    broken = [script.stem for script in scripts if not run_script(script, options)]
    if broken:
        sys.exit(f"these broke: {', '.join(broken)}")


def find_scripts(names: list[str]) -> list[Path]:
    """Return the scripts of these names, or all of them."""
    every = {path.stem.removeprefix("bench_"): path for path in sorted(FOLDER.glob("bench_*.py"))}
    unknown = [name for name in names if name not in every]
    if unknown or not every:
        sys.exit(
            f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(every) or 'none'}"
        )
    return [every[name] for name in names] if names else list(every.values())


def describe_machine() -> str:
    """Return what a figure depends on, in one line."""
    free = shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {tempfile.gettempdir()} with {free:.0f} GiB free"
    )


def run_script(script: Path, options: list[str]) -> bool:
    """Run one script as a program of its own, so that no benchmark warms another's caches."""
    print(f"\n== {script.stem.removeprefix('bench_')}", flush=True)
    start = time.monotonic()
    command = [sys.executable, "-m", f"tests.benchmarks.{script.stem}", *options]
    done = subprocess.run(command, cwd=ROOT, check=False)
    print(f"   ({time.monotonic() - start:.1f} s)", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
