"""One step of a soak round, in a process that may be killed at any moment.

    python -m tests.soak.step make PLACE MARK
    python -m tests.soak.step put PLACE FOLDER ID
    python -m tests.soak.step run PLACE WORKERS

PLACE is JSON: the façade's arguments. Prints ``ready`` when what is slow and harmless, importing,
is over.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pfs_provider.pfs import Pfs

SLEEP_S = "0.03"
"""Seconds that user code takes per datum; the mark is appended, which makes it findable."""


def main(arguments: list[str]) -> int:
    verb, place, *rest = arguments
    print("ready", flush=True)
    with Pfs(**json.loads(place)) as pfs:
        match verb:
            case "make":
                make(pfs, rest[0])
            case "put":
                put(pfs, Path(rest[0]), rest[1])
            case _:
                return run(pfs, int(rest[0]))
    return 0


def make(pfs: Pfs, mark: str) -> None:
    """Make a repo and two chained pipelines."""
    pfs.create_repo("in")
    pfs.create_pipeline(
        _spec("up", "in", "/*", mark, [
            "for f in /pfs/in/*; do tr a-z A-Z < $f > /pfs/out/$(basename $f); done",
            "echo done",
        ])
    )  # fmt: skip
    lines = ["cat /pfs/up/* > /pfs/out/all", "ls /pfs/up > /pfs/out/names"]
    pfs.create_pipeline(_spec("all", "up", "/", mark, lines))


def put(pfs: Pfs, folder: Path, commit_id: str) -> None:
    """Make the repo hold what the folder holds, in one commit of a given id."""
    with pfs.commit("in@master", message=folder.name, commit_id=commit_id) as c:
        if folder.name != "version-0":
            c.delete_file("/")
        c.put_tree("/", folder)


def run(pfs: Pfs, workers: int) -> int:
    """Run every job; fail unless all succeed."""
    pfs.run(workers=workers)
    return int(any(job.state != "success" for job in pfs.list_jobs()))


def _spec(name: str, repo: str, glob: str, mark: str, lines: list[str]) -> dict[str, Any]:
    return {
        "pipeline": {"name": name},
        "input": {"pfs": {"repo": repo, "glob": glob}},
        "transform": {"cmd": ["sh", "-s", mark], "stdin": [f"sleep {SLEEP_S}{mark}", *lines]},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
