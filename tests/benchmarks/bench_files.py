"""Adding and restoring many small files, against ``cp -r`` of the same files in the same run.

    bench_files.py [--small] [--folder PLACE]

The storage room is called directly, on a local store. Each figure is the best of some rounds that
take turns with ``cp -r``, since on a shared disk the neighbours decide how long one round takes;
source and targets are on the same file system. Goals: DESIGN section 17.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pfs_provider.clock import SystemClock
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.folder_puts import put_folder
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.restore import restore_folder
from pfs_provider.storage.stat_cache import StatCache
from pfs_provider.storage.stores.open import open_store
from pfs_provider.storage.values import EMPTY_TREE, TreeRef

FILE_BYTES = 4096
ROUNDS = {1000: 1, 5000: 1, 10_000: 3, 100_000: 1}
"""How often each count is measured: a hundred thousand files take a shared disk minutes."""
PER_FOLDER = 1000


@dataclass(slots=True)
class Figures:
    """Seconds of each round, by what was done."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, name: str, action: Callable[[], object]) -> None:
        """Do it once and keep the time."""
        start = time.perf_counter()
        action()
        self.rounds.setdefault(name, []).append(time.perf_counter() - start)

    def best(self, name: str) -> float:
        """Return the shortest round."""
        return min(self.rounds[name])


GOALS = {
    "add": ("below 1 of cp -r", "cp -r"),
    "add again, nothing changed": ("faster than git status; here: below 1 of cp -r", "cp -r"),
    "add with 1 % changed": ("at most 0.1 of the first add", "add"),
    "the same, every file read": ("", "add"),
    "restore, all digests verified": ("at most 1 of cp -r", "cp -r"),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="1,000 and 5,000 files, one round")
    parser.add_argument("--folder", type=Path, help="where to work (default: the temporary folder)")
    options = parser.parse_args()
    counts = [1000, 5000] if options.small else [10_000, 100_000]
    print(f"{'files of 4 KiB':>14}  {'work':<30} {'seconds':>8} {'ratio':>6}  goal")
    for n_files in counts:
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="pfs-bench-") as folder:
            show(n_files, run(Path(folder), n_files))


def run(folder: Path, n_files: int) -> Figures:
    """Measure all the work on that many files."""
    source = folder / "source"
    make_files(source, n_files)
    figures = Figures()
    for number in range(ROUNDS[n_files]):
        run_round(folder / str(number), source, figures)
        change_files(source, n_files, number)
    return figures


def run_round(folder: Path, source: Path, figures: Figures) -> None:
    """Do everything once, in an empty folder, and remove it again."""
    copy, out = folder / "copy", folder / "out"
    folder.mkdir()
    settle()
    figures.measure("cp -r", lambda: copy_folder(source, copy))
    with Storage(open_store(str(folder / "store")), clock=SystemClock()) as storage:
        settle()
        trees: list[TreeRef] = [EMPTY_TREE]
        cache = StatCache(folder / "cache", SystemClock())

        def add_again() -> None:
            trees.append(add(storage, source, trees[-1], cache))

        figures.measure("add", add_again)
        figures.measure("add again, nothing changed", add_again)
        assert trees[1] == trees[2], "the same files must give the same tree"
        settle()
        figures.measure(
            "restore, all digests verified", lambda: restore_folder(storage, trees[-1], "/", out)
        )
        change_files(source, trees[-1].n_files, 50)
        figures.measure("add with 1 % changed", add_again)
        figures.measure("the same, every file read", lambda: add_reading(storage, source, trees[1]))
    shutil.rmtree(folder)


def add(storage: Storage, source: Path, base: TreeRef, cache: StatCache) -> TreeRef:
    """Store a folder as a commit does, and return the tree with it."""
    rows = put_folder(storage, base, "/", source, cache=cache)
    return apply_changes(storage, base, deletes=(), rows=rows)


def add_reading(storage: Storage, source: Path, base: TreeRef) -> TreeRef:
    """Store a folder without knowing anything of it, and return the tree with it."""
    with ContentWriter(storage, base) as writer:
        writer.put_folder("/", source)
        (rows,) = writer.finish()
    return apply_changes(storage, base, deletes=(), rows=rows)


def copy_folder(source: Path, target: Path) -> None:
    """Copy as a person would."""
    subprocess.run(["cp", "-r", source, target], check=True)


def make_files(folder: Path, n_files: int) -> None:
    """Make files of noise, a thousand to a folder."""
    for number in range(n_files):
        if number % PER_FOLDER == 0:
            (folder / f"{number // PER_FOLDER:03d}").mkdir(parents=True)
        name(folder, number).write_bytes(os.urandom(FILE_BYTES))


def change_files(folder: Path, n_files: int, seed: int) -> None:
    """Give every hundredth file other bytes."""
    for number in range(seed, n_files, 100):
        name(folder, number).write_bytes(os.urandom(FILE_BYTES))


def name(folder: Path, number: int) -> Path:
    """Return where a file is."""
    return folder / f"{number // PER_FOLDER:03d}" / f"{number:06d}.bin"


def settle() -> None:
    """Let the disk finish what was written before, so that it does not slow down what comes."""
    os.sync()


def show(n_files: int, figures: Figures) -> None:
    """Print the rows of one size."""
    print(f"{n_files:>14}  {'cp -r':<30} {figures.best('cp -r'):>8.2f} {'1.00':>6}")
    for work, (goal, against) in GOALS.items():
        seconds = figures.best(work)
        ratio = seconds / figures.best(against)
        print(f"{'':>14}  {work:<30} {seconds:>8.2f} {ratio:>6.2f}  {goal}")


if __name__ == "__main__":
    main()
