"""What sensors and their triggers wait for, asked once.

Invariant: None means not yet; an error that waiting cannot mend is raised. Must not know: Airflow.
"""

from typing import TYPE_CHECKING

from pfs_provider.catalog.values import ENDED_JOB_STATES
from pfs_provider.errors import ErrorCode, FailedError, NotFoundError
from pfs_provider.refs.addresses import parse_address

if TYPE_CHECKING:
    from pfs_provider.infos import CommitInfo, JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["find_commit", "find_ended_job"]


def find_commit(pfs: "Pfs", ref: str, *, after: str | None = None) -> "CommitInfo | None":
    """Return the commit once it is finished.

    Args:
        pfs: Where.
        ref: A branch, or one commit; neither need exist yet.
        after: An id; a branch counts only when it points to another commit.

    Raises:
        FailedError: ``job-failed``: that one commit has ended with an error. A branch is waited for
            until it points to a good commit.
    """
    try:
        commit = pfs.inspect_commit(ref)
    except NotFoundError:
        return None
    if commit.state == "error" and parse_address(ref).commit is not None:
        raise FailedError(ErrorCode.JOB_FAILED, f"{ref} ended with an error: {commit.error}")
    return commit if commit.state == "finished" and commit.id != after else None


def find_ended_job(pfs: "Pfs", job: str) -> "JobInfo | None":
    """Return the job once it has ended well.

    Args:
        pfs: Where.
        job: ``[project/]pipeline@id``; it need not exist yet.

    Raises:
        FailedError: ``job-failed``: it has ended in another way; the reason is in the message.
    """
    try:
        info = pfs.inspect_job(job)
    except NotFoundError:
        return None
    if info.state in ENDED_JOB_STATES and info.state != "success":
        raise FailedError(
            ErrorCode.JOB_FAILED, f"{job} ended as {info.state}: {info.reason or 'no reason given'}"
        )
    return info if info.state == "success" else None
