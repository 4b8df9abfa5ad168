"""Write and check the lock files: requirements/*.txt, compiled from pyproject.toml by uv.

    locks.py write [--upgrade]     compile again; without --upgrade pins stay where they can
    locks.py check                 compare with pyproject.toml, without network

Invariants: every pin has hashes; no address of a package index and no path is in a lock; the first
lines carry the digest of what pyproject.toml asks for, so that a stale lock is found offline.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
INPUTS = "# inputs: sha256 "
FLAGS = ["--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
FLAGS += ["--no-header", "--no-annotate"]
# dev comes first: the smaller ones take its pins, so that what is tested is what is deployed.
LOCKS = {
    "dev": [
        "--extra",
        "airflow-kubernetes",
        "--extra",
        "argo",
        "--extra",
        "jsonnet",
        "--extra",
        "metrics",
        "--extra",
        "postgres",
        "--group",
        "dev",
    ],
    "airflow": ["--extra", "airflow-kubernetes", "--extra", "metrics", "--extra", "postgres"],
    "base": ["--extra", "kubernetes", "--extra", "metrics", "--extra", "postgres"],
    "uv": ["--group", "bootstrap"],
}
HEADER = """\
# {title}
# Compiled by `make lock` for Python 3.11 and newer, any platform; install with
#   pip install --require-hashes -r requirements/{name}.txt
{inputs}{digest}
"""
TITLES = {
    "dev": "All that works on this project: the engine, Airflow, Argo, tests, docs and the demo.",
    "airflow": "The engine inside Airflow, with Kubernetes and the PostgreSQL driver.",
    "base": "The engine and the command line, with Kubernetes and the PostgreSQL driver.",
    "uv": "The installer that `make setup` fetches first.",
}


def main() -> None:
    """Write or check, as the first argument says."""
    match sys.argv[1:]:
        case ["write", *flags]:
            for name in LOCKS:
                write(name, flags)
        case ["check"]:
            problems = [problem for name in LOCKS for problem in find_problems(name)]
            if problems:
                sys.exit("\n".join(problems))
            print(f"locks: {len(LOCKS)} files agree with pyproject.toml")
        case _:
            sys.exit(__doc__)


def write(name: str, flags: list[str]) -> None:
    """Compile one lock in place; what it holds now is the preference."""
    target = FOLDER / f"{name}.txt"
    source = [] if name == "uv" else ["pyproject.toml"]
    constraint = [] if name == "dev" else ["-c", "requirements/dev.txt"]
    command = ["uv", "pip", "compile", *FLAGS, *flags, *source, *LOCKS[name], *constraint]
    subprocess.run([*command, "-o", str(target)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    header = HEADER.format(title=TITLES[name], name=name, inputs=INPUTS, digest=wanted_digest())
    target.write_text(header + target.read_text())


def wanted_digest() -> str:
    """Return the digest of the parts of pyproject.toml that decide what is installed."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    asked = [
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
        document["dependency-groups"],
        document["build-system"]["requires"],
        LOCKS,
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def find_problems(name: str) -> list[str]:
    """Return what is wrong with one lock, one line each."""
    target = FOLDER / f"{name}.txt"
    where = str(target.relative_to(ROOT))
    if not target.exists():
        return [f"{where}: is missing; run `make lock`"]
    return judge(where, target.read_text())


def judge(where: str, text: str) -> list[str]:
    """Return what is wrong with a lock of this text."""
    problems = []
    if INPUTS + wanted_digest() not in text.splitlines():
        problems.append(f"{where}: is older than pyproject.toml's dependencies; run `make lock`")
    requirements = [line for line in text.splitlines() if line and line[0] not in "# "]
    problems += [
        f"{where}: {line!r} is not a pin"
        for line in requirements
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[^ ]+( ; .+)? \\", line)
    ]
    if text.count(" \\\n    --hash=sha256:") < len(requirements):
        problems.append(f"{where}: a pin has no hash")
    if re.search(r"://|^-|^ *# via", text, re.MULTILINE):
        problems.append(f"{where}: holds an address or an option")
    return problems


if __name__ == "__main__":
    main()
