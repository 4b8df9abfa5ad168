"""A process of concurrent writers.

    python -m tests.writer SETTINGS BRANCH NAME THREADS COMMITS

Prints ``ready``, waits for a line on standard input, then commits from all threads at once, one
file a commit. Tells of each commit in JSON: the path, and the id or the error's kind and code.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from pfs_provider.errors import PfsError
from pfs_provider.pfs import Pfs


def main(settings: str, branch: str, name: str, n_threads: str, n_commits: str) -> None:
    with Pfs(**json.loads(settings)) as pfs, ThreadPoolExecutor(int(n_threads)) as pool:
        list(pool.map(lambda _: None, range(int(n_threads))))  # starts the threads
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()

        def write(thread: int) -> list[dict[str, str]]:
            paths = (f"/{name}/{thread}/{number}" for number in range(int(n_commits)))
            return [_commit(pfs, branch, path) for path in paths]

        for told in pool.map(write, range(int(n_threads))):
            for line in told:
                sys.stdout.write(json.dumps(line) + "\n")


def _commit(pfs: Pfs, branch: str, path: str) -> dict[str, str]:
    try:
        with pfs.commit(branch, message=path) as c:
            c.put_file(path, path.encode())
    except PfsError as error:
        return {"path": path, "error": type(error).__name__, "code": str(error.code)}
    return {"path": path, "id": c.id}


if __name__ == "__main__":
    main(*sys.argv[1:])
