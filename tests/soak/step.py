"""One step of a soak round, in a process that may be killed at any moment.

    python -m tests.soak.step make MARK SHAPE…
    python -m tests.soak.step put FOLDER ID
    python -m tests.soak.step run WORKERS
    python -m tests.soak.step watch WORKERS

Where is in the environment. Prints ``ready`` when what is slow and harmless, importing, is over. A
runner then prints a line for each phase of a job that it enters, so that a kill can be aimed at it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pfs_provider.catalog.values import Job
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.runner import Runner
from pfs_provider.jobs.steps import Begun, Steps
from pfs_provider.pfs import Pfs
from pfs_provider.verbs import jobs as job_verbs
from tests.soak.pipelines import specs_of


class TellingSteps(Steps):
    """Says which phase of a job is entered."""

    def begin(self, ref: JobRef) -> Begun:
        """Plan."""
        _tell("plan")
        begun = super().begin(ref)
        _tell("work")
        return begun

    def end(self, ref: JobRef, problem: str | None, *, is_lost: bool = False) -> Job:
        """Finish."""
        _tell("finish")
        ended = super().end(ref, problem, is_lost=is_lost)
        _tell("between")
        return ended


class TellingRunner(Runner):
    """The scheduler, with steps that tell."""

    @property
    def _steps(self) -> Steps:
        return TellingSteps(
            jobs=self.jobs, launcher=self.launcher, owner=self.owner, n_workers=self.n_workers
        )


def main(arguments: list[str]) -> int:
    """Do one step."""
    verb, *rest = arguments
    vars(job_verbs)["Runner"] = TellingRunner  # all else is what `pfs run` does
    _tell("ready")
    with Pfs() as pfs:
        match verb:
            case "make":
                make(pfs, rest[0], rest[1:])
            case "put":
                put(pfs, Path(rest[0]), rest[1])
            case _:
                pfs.run(workers=int(rest[0]), watch=verb == "watch")
    return 0


def make(pfs: Pfs, mark: str, shapes: Sequence[str]) -> None:
    """Make a repo and the pipelines of a round."""
    pfs.create_repo("in")
    for spec in specs_of(shapes, mark):
        pfs.create_pipeline(spec)


def put(pfs: Pfs, folder: Path, commit_id: str) -> None:
    """Make the repo hold what the folder holds, in one commit of a given id."""
    with pfs.commit("in@master", message=folder.name, commit_id=commit_id) as c:
        if folder.name != "version-0":
            c.delete_file("/")
        c.put_tree("/", folder)


def _tell(word: str) -> None:
    print(word, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
