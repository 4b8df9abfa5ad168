"""Where a soak round keeps its data, and what can be seen of it from outside while it runs."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.records import PlanRecord, decode
from pfs_provider.pfs import Pfs
from tests.portraits import portrait_of

N_VERSIONS = 3
PIPELINES = ("up", "all")
SMALL_FILES = 14
LARGE_BYTES = 1_700_000


@dataclass(frozen=True, slots=True)
class Place:
    """A home of its own below a folder."""

    folder: Path
    mark: str

    @property
    def argument(self) -> str:
        return json.dumps({"home": str(self.folder)})

    def portrait(self) -> dict[str, Any]:
        with Pfs(home=self.folder) as pfs:
            return portrait_of(pfs, pfs._jobs)

    def phase(self, commit_id: str) -> str:
        """Return which of plan, work and finish the change's jobs are in, as the store tells."""
        for pipeline in PIPELINES:
            if not self._path(pipeline, commit_id, "stop").exists():
                return self._phase(parse_job_ref(f"{pipeline}@{commit_id}"))
        return "ended"

    def has(self, commit_id: str, pipeline: str, what: str) -> bool:
        """Return whether a job has a plan, any claims or results, or all results."""
        if what == "all results":
            return self._phase(parse_job_ref(f"{pipeline}@{commit_id}")) == "finish"
        path = self._path(pipeline, commit_id, what)
        return path.exists()

    def leftovers(self) -> list[str]:
        """Return the command lines of processes that still run for this place."""
        found: list[str] = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if self.mark in line or str(self.folder) in line:
                    found.append(f"{process.name}: {line.strip()}")
        return found

    def left_scratch(self) -> list[str]:
        """Return what workers left in the scratch folder."""
        scratch = self.folder / "scratch"
        return [path.name for path in scratch.iterdir()] if scratch.exists() else []

    def _path(self, pipeline: str, commit_id: str, what: str) -> Path:
        ref = parse_job_ref(f"{pipeline}@{commit_id}")
        return self.folder / "store" / f"{ref.prefix}{what}"

    def _phase(self, ref: JobRef) -> str:
        base = self.folder / "store" / ref.prefix
        try:
            plan = decode((base / "plan").read_bytes(), PlanRecord, name="plan")
        except FileNotFoundError:
            return "plan"
        results = base / "results"
        n_done = len(list(results.glob("????????"))) if results.exists() else 0
        return "work" if n_done < len(plan.set_sizes) else "finish"


def make_versions(folder: Path, random: Random) -> list[tuple[Path, str]]:
    """Make the folders that are put one after the other, each with the id of its commit."""
    out: list[tuple[Path, str]] = []
    for number in range(N_VERSIONS):
        version = folder / f"version-{number}"
        if number:
            shutil.copytree(out[-1][0], version)
            (version / f"small-{random.randrange(SMALL_FILES)}").unlink(missing_ok=True)
        else:
            version.mkdir(parents=True)
            for name in range(SMALL_FILES):
                (version / f"small-{name}").write_bytes(random.randbytes(random.randrange(1, 5000)))
        for name in range(2 + number):
            (version / f"small-{random.randrange(SMALL_FILES)}").write_bytes(
                random.randbytes(random.randrange(1, 5000))
            )
            del name
        (version / f"large-{number % 2}").write_bytes(random.randbytes(LARGE_BYTES))
        out.append((version, f"{random.getrandbits(128):032x}"))
    return out
