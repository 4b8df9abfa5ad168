"""The complete environment of user code, from plain values.

Invariants: pure; nothing of the worker's own environment can get in, so no credential of the store
or the catalog. Later sources win: defaults, the spec's ``env``, its secrets, the datum's variables.
Source: the table of docs/how-to/write-user-code.md. Must not know: where the values come from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = [
    "HOME",
    "PFS_ROOT",
    "SYSTEM_PATH",
    "DatumFacts",
    "PieceFacts",
    "S3Access",
    "build_environment",
    "find_own_variables",
    "search_path",
]

PFS_ROOT = "/pfs"
HOME = "/pfs-home"
"""Private to the task, empty at its start; the executors make it."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_NOT_FOR_INPUTS = frozenset({"PATH", "HOME"})
"""An input may have such a name; a command that is not found would be a poor way to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceFacts:
    """One piece of a datum: its input's name, its path in the repo, the commit's id.

    ``join_on`` and ``group_by`` are None where the input has none.
    """

    input: str
    path: str
    commit: str
    join_on: str | None = None
    group_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatumFacts:
    """What a datum is and what it is run for."""

    datum: str
    job: str
    output_commit: str
    project: str
    pipeline: str
    pieces: tuple[PieceFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """Where the gateway of this job listens and the keys it takes, for S3 inputs and outputs."""

    endpoint: str
    access_key: str
    secret_key: str


def build_environment(
    facts: DatumFacts,
    env: Mapping[str, str],
    *,
    path: str | None = SYSTEM_PATH,
    secrets: Mapping[str, str] | None = None,
    s3: S3Access | None = None,
) -> dict[str, str]:
    """Return every variable that user code gets.

    Args:
        facts: The datum.
        env: ``transform.env`` of the spec.
        path: PATH unless the spec sets it; ``search_path`` makes one with the project's Python.
            None where an image brings it: then HOME and LANG are the image's, too.
        secrets: Values of the ``transform.secrets`` that name an ``env_var``.
        s3: The job's gateway, if the pipeline uses it.

    Raises:
        RefusedError: ``spec-illegal``: a variable that no process can have.
    """
    found = {} if path is None else {"PATH": path, "HOME": HOME, "LANG": "C.UTF-8"}
    found |= _checked(env, "transform.env")
    found |= _checked(secrets or {}, "transform.secrets")
    of_pieces = _of_pieces(facts.pieces)
    found |= {name: of_pieces[name] for name in of_pieces if name not in _NOT_FOR_INPUTS}
    found |= _of_datum(facts)
    if s3 is not None:
        found |= {
            "S3_ENDPOINT": s3.endpoint,
            "AWS_ACCESS_KEY_ID": s3.access_key,
            "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        }
    return found


def find_own_variables(facts: DatumFacts) -> frozenset[str]:
    """Return the names of variables that are a datum's own, and none of its job's."""
    ids = {f"{system}_DATUM_ID" for system in ("PACH", "PFS")}
    return frozenset(_of_pieces(facts.pieces).keys() - _NOT_FOR_INPUTS | ids)


def search_path(python: str) -> str:
    """Return a PATH: this interpreter's folder, so that ``python`` is it, then the system's."""
    folder = str(PurePosixPath(python).parent)
    return SYSTEM_PATH if folder in SYSTEM_PATH.split(":") else f"{folder}:{SYSTEM_PATH}"


def _of_pieces(pieces: Iterable[PieceFacts]) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in pieces:
        name = piece.input
        found[name] = f"{PFS_ROOT}/{name}/{piece.path.strip('/')}".rstrip("/")
        found[f"{name}_COMMIT"] = piece.commit
        for system in ("PACH", "PFS"):
            found[f"{system}_{name.upper()}_COMMIT_ID"] = piece.commit
            if piece.join_on is not None:
                found[f"{system}_DATUM_{name}_JOIN_ON"] = piece.join_on
            if piece.group_by is not None:
                found[f"{system}_DATUM_{name}_GROUP_BY"] = piece.group_by
    return found


def _of_datum(facts: DatumFacts) -> dict[str, str]:
    ids = {
        "DATUM_ID": facts.datum,
        "JOB_ID": facts.job,
        "OUTPUT_COMMIT_ID": facts.output_commit,
    }
    names = {"PROJECT_NAME": facts.project, "PIPELINE_NAME": facts.pipeline}
    found = {f"{system}_{name}": ids[name] for system in ("PACH", "PFS") for name in ids}
    found |= {f"{system}_{name}": names[name] for system in ("PPS", "PFS") for name in names}
    return found | {"PFS_ROOT": PFS_ROOT, "PACH_IN_WORKER": "true"}


def _checked(env: Mapping[str, str], field: str) -> dict[str, str]:
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            raise RefusedError(
                ErrorCode.SPEC_ILLEGAL,
                f"{field}: {name!r} cannot be a variable: a name is not empty and has no '=', "
                "and neither name nor value has a NUL",
                field=f"{field}.{name}",
            )
    return dict(env)
