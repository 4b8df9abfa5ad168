"""Where a soak round keeps its data, and what is put there."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from pfs_provider.pfs import Pfs
from tests.portraits import portrait_of

N_VERSIONS = 3
SMALL_FILES = 14
LARGE_BYTES = 1_700_000
FATES = ("good", "bad", "good")
"""What ``/fate`` says in each version: a bad one fails a datum, and with it a job."""
LEASE_S = 4.0
"""Of a runner that does not answer; one that is dead is seen at once."""


@dataclass(frozen=True, slots=True)
class Place:
    """A home, a catalog and a store of its own, as processes are told of them."""

    folder: Path
    mark: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of whoever works there."""
        return {**self.environment, "PFS_LEASE_S": str(LEASE_S)}

    def portrait(self) -> dict[str, Any]:
        """Tell of everything; of events what happened, as jobs may end in any order."""
        named = {
            name.lower(): text for name, text in self.environment.items() if "PFS_" not in name
        }
        with Pfs(
            home=self.folder,
            catalog=self.environment.get("PFS_CATALOG"),
            store=self.environment.get("PFS_STORE"),
            store_options=named,
        ) as pfs:
            found = portrait_of(pfs, pfs._jobs)
        return {**found, "events": sorted(found["events"], key=str)}

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
        (version / "fate").write_text(FATES[number])
        out.append((version, f"{random.getrandbits(128):032x}"))
    return out
