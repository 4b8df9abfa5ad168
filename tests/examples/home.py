"""The examples of docs/examples in a home of their own, run by workers on this machine.

Oracles belong to the tests: what an example is to find is counted there in another way.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pfs_provider import Pfs
from pfs_provider.cli.columns import job_progress

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


@dataclass(frozen=True, slots=True)
class Home:
    """A home, and few words for what every example does."""

    pfs: Pfs

    def create(self, example: str, *repos: str, replace: Mapping[str, str] | None = None) -> None:
        """Make repos, and the pipelines of an example, with other words in its specs."""
        for repo in repos:
            self.pfs.create_repo(repo)
        (specs,) = (EXAMPLES / example).glob("*.yaml")
        text = specs.read_text()
        for old, new in (replace or {}).items():
            text = text.replace(old, new)
        self.pfs.create_pipeline(io.StringIO(text))

    def put(self, branch: str, files: Mapping[str, bytes | Path]) -> str:
        """Commit files by path and return the id."""
        with self.pfs.commit(branch) as commit:
            for path, source in files.items():
                commit.put_file(path, source)
        return commit.id

    def run(self) -> dict[str, str]:
        """Run all ready jobs to their good end; return progress by pipeline, as pages show it."""
        jobs = self.pfs.run()
        assert {job.state for job in jobs} <= {"success"}, [job.reason for job in jobs]
        assert len({job.pipeline for job in jobs}) == len(jobs), "a pipeline had two jobs"
        return {job.pipeline: job_progress(job) for job in jobs}

    def read(self, branch: str) -> dict[str, bytes]:
        """Return all files of a branch's head."""
        found = self.pfs.glob_files(branch, "/**")
        return {file.path: self.pfs.read_file(f"{branch}:{file.path}") for file in found}

    def digests(self, branch: str) -> dict[str, str]:
        """Return the digests of all files of a branch's head."""
        return {file.path: file.digest for file in self.pfs.glob_files(branch, "/**")}
