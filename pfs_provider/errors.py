"""Every error that pfs_provider raises, grouped by what the caller does next.

    PfsError                  something went wrong; the message says what and the way out
    ├── RefusedError          the input is malformed: change it and call again        (exit 5)
    ├── NotFoundError         the thing named does not exist: name another, or make it (exit 3)
    ├── ConflictError         it exists already, or somebody was faster: look, then repeat (exit 4)
    ├── CorruptDataError      stored bytes are not what was written: restore, run fsck (exit 1)
    ├── UnavailableError      a service or a store does not answer: repeat later      (exit 1)
    ├── UnknownOutcomeError   it may have happened: read back before repeating        (exit 1)
    └── FailedError           user code or a job failed: look at its logs             (exit 1)

The precise meaning is in ``code``, which is append-only: a new situation adds a code, not a class.
Must not know: any room above. Each door owns its own table from these classes to its language.
"""

from enum import StrEnum
from typing import Any

__all__ = [
    "ConflictError",
    "CorruptDataError",
    "ErrorCode",
    "FailedError",
    "NotFoundError",
    "PfsError",
    "RefusedError",
    "UnavailableError",
    "UnknownOutcomeError",
    "extra_missing",
]


class ErrorCode(StrEnum):
    """What exactly happened. Append-only: programs compare these words."""

    # refused
    NAME_ILLEGAL = "name-illegal"
    ID_ILLEGAL = "id-illegal"
    ADDRESS_ILLEGAL = "address-illegal"
    PATH_ILLEGAL = "path-illegal"
    TIME_ILLEGAL = "time-illegal"  # neither a moment nor a length of time
    GLOB_ILLEGAL = "glob-illegal"
    SPEC_ILLEGAL = "spec-illegal"
    SETTINGS_ILLEGAL = "settings-illegal"
    STORE_URL_ILLEGAL = "store-url-illegal"
    CATALOG_URL_ILLEGAL = "catalog-url-illegal"
    SOURCE_ILLEGAL = "source-illegal"  # a local file or URL that cannot be stored
    PROVENANCE_ILLEGAL = "provenance-illegal"
    TRIGGER_ILLEGAL = "trigger-illegal"
    OUTPUT_BRANCH = "output-branch"  # only a job may write there
    TARGET_ILLEGAL = "target-illegal"  # a local folder that cannot be written to safely
    EGRESS_ILLEGAL = "egress-illegal"  # output that its egress cannot take, or no way to it
    CLUSTER_REFUSED = "cluster-refused"  # Kubernetes finds the manifest invalid
    PIPELINE_STANDS = "pipeline-stands"  # its command is kept up, so it has no jobs to run
    SECRET_MISSING = "secret-missing"  # noqa: S105 a code: one is not where its workers are
    SECRET_ILLEGAL = "secret-illegal"  # noqa: S105 a code: a name, key or file that is none
    # not found
    PROJECT_NOT_FOUND = "project-not-found"
    REPO_NOT_FOUND = "repo-not-found"
    BRANCH_NOT_FOUND = "branch-not-found"
    COMMIT_NOT_FOUND = "commit-not-found"
    FILE_NOT_FOUND = "file-not-found"
    PIPELINE_NOT_FOUND = "pipeline-not-found"
    JOB_NOT_FOUND = "job-not-found"
    DATUM_NOT_FOUND = "datum-not-found"  # the job does not have it, or did not run it
    CRON_NOT_FOUND = "cron-not-found"  # the pipeline has no cron input
    SOURCE_NOT_FOUND = "source-not-found"
    OBJECT_NOT_FOUND = "object-not-found"
    TRANSACTION_NOT_FOUND = "transaction-not-found"
    NAMESPACE_NOT_FOUND = "namespace-not-found"
    CLUSTER_OBJECT_NOT_FOUND = "cluster-object-not-found"
    SECRET_NOT_FOUND = "secret-not-found"  # noqa: S105 a code
    # conflict
    PROJECT_EXISTS = "project-exists"
    REPO_EXISTS = "repo-exists"
    PIPELINE_EXISTS = "pipeline-exists"
    BRANCH_MOVED = "branch-moved"
    COMMIT_OPEN = "commit-open"
    COMMIT_FINISHED = "commit-finished"
    PATH_CONFLICT = "path-conflict"  # a path would be both a file and a directory
    OUTPUT_CONFLICT = "output-conflict"  # two datums wrote one path
    IN_USE = "in-use"  # something downstream still needs it
    JOB_TAKEN = "job-taken"
    JOB_NOT_READY = "job-not-ready"
    JOB_FINISHED = "job-finished"
    LEASE_LOST = "lease-lost"
    DATUM_NOT_RUNNING = "datum-not-running"  # it waits for its turn, or has its result
    COMMIT_EXISTS = "commit-exists"  # a change makes one commit in a repo
    CLUSTER_OBJECT_EXISTS = "cluster-object-exists"
    SECRET_EXISTS = "secret-exists"  # noqa: S105 a code
    # corrupt
    CHUNK_CORRUPT = "chunk-corrupt"
    PAGE_CORRUPT = "page-corrupt"
    RECORD_CORRUPT = "record-corrupt"
    # unavailable
    STORE_UNAVAILABLE = "store-unavailable"
    STORE_READ_ONLY = "store-read-only"
    STORE_FULL = "store-full"
    STORE_UNFIT = "store-unfit"  # conditional create is missing
    CATALOG_UNAVAILABLE = "catalog-unavailable"
    CATALOG_TOO_NEW = "catalog-too-new"
    SOURCE_UNAVAILABLE = "source-unavailable"
    SANDBOX_UNAVAILABLE = "sandbox-unavailable"
    TIMED_OUT = "timed-out"
    EXTRA_MISSING = "extra-missing"  # an optional dependency is not installed
    CLUSTER_UNAVAILABLE = "cluster-unavailable"
    WEBHOOK_UNAVAILABLE = "webhook-unavailable"  # nobody took what pfs watch told
    EGRESS_UNAVAILABLE = "egress-unavailable"
    CLUSTER_FORBIDDEN = "cluster-forbidden"  # a verb that the account may not use, or admission
    # unknown outcome
    WRITE_UNKNOWN = "write-unknown"
    # failed
    COMMAND_NOT_FOUND = "command-not-found"
    WORKING_DIR_NOT_FOUND = "working-dir-not-found"
    USER_NOT_FOUND = "user-not-found"
    FOLDER_NOT_MADE = "folder-not-made"  # user code cannot have a folder of its own there
    JOB_FAILED = "job-failed"
    WORKER_FAILED = "worker-failed"


class PfsError(Exception):
    """Anything that this library refuses, misses or cannot do.

    Args:
        code: What exactly happened.
        message: One sentence with the field or path and the way out.
        fields: The facts, by name, for programs. Plain values only: they survive pickle.
    """

    def __init__(self, code: ErrorCode, message: str, **fields: Any) -> None:
        super().__init__(code, message, fields)
        self.code = code
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way would lose the keyword arguments.
        return _rebuild, (type(self), self.code, self.message, self.fields)


class RefusedError(PfsError, ValueError):
    """The input is malformed. Nothing was done; change the input."""


class NotFoundError(PfsError, LookupError):
    """The thing named does not exist. Nothing was done."""


class ConflictError(PfsError):
    """It exists already, is in use, or somebody was faster. Nothing was done; look, then repeat."""


class CorruptDataError(PfsError):
    """Stored bytes are not those that were written. What was read so far was good."""


class UnavailableError(PfsError):
    """A store, a database or a facility of the machine does not answer. Repeating may help."""


class UnknownOutcomeError(PfsError):
    """A write may or may not have happened. Read back before repeating it."""


class FailedError(PfsError):
    """User code, a datum or a job failed; the state is recorded."""


def extra_missing(what: str, extra: str) -> UnavailableError:
    """Return the error for an optional dependency that is not installed.

    Args:
        what: What cannot be had without it, as the beginning of a sentence.
        extra: The extra of this package that brings it.
    """
    return UnavailableError(
        ErrorCode.EXTRA_MISSING,
        f"{what}: pip install 'airflow-provider-pfs[{extra}]'",
        extra=extra,
    )


def _rebuild(
    kind: type[PfsError], code: ErrorCode, message: str, fields: dict[str, Any]
) -> PfsError:
    return kind(code, message, **fields)
