"""What a job writes into the object store, byte by byte msgpack (docs/internals/jobs.md).

Invariants: every record begins with its format number; records are written once and never changed.
They hold all that a worker needs, for workers see no catalog.
Must not know: SQL, schedulers, clusters.
"""

from datetime import datetime
from typing import TypeVar

import msgspec

from pfs_provider.errors import CorruptDataError, ErrorCode

__all__ = [
    "PROGRAM_START_S",
    "Claim",
    "Command",
    "DatumRecord",
    "DatumResult",
    "InputPin",
    "MemoRecord",
    "PieceRecord",
    "PlanRecord",
    "SetRecord",
    "SetResult",
    "decode",
    "encode",
]

FORMAT = 1
PROGRAM_START_S = 1800.0
"""To the first question of a program that stays up: a model of 100 GB is loaded by then."""


class InputPin(msgspec.Struct, frozen=True):
    """One input branch at the very commit that the job reads. ``tree`` is the tree's text form."""

    branch: str
    commit: str
    tree: str


class Command(msgspec.Struct, frozen=True):
    """How user code is started.

    With ``is_looped`` the command reads a Python program, which is run again for each datum.
    """

    cmd: list[str]
    stdin: list[str]
    env: dict[str, str]
    accept_codes: list[int]
    err_cmd: list[str]
    err_stdin: list[str]
    user: str | None = None
    working_dir: str | None = None
    image: str = ""
    stays_up: bool = False
    is_looped: bool = False


class TarSpout(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tar archives go that a spout writes into ``/pfs/out``.

    ``is_only_way``: its command is no client of catalog and store.
    """

    branch: str
    is_only_way: bool = False
    overwrite: bool = False
    marker: str = ""


class PieceRecord(msgspec.Struct, frozen=True, array_like=True):
    """One input's part of a datum.

    ``branch`` finds the pin; ``mode`` is ``files``, ``empty``, ``lazy`` or ``s3``.
    """

    input: str
    branch: str
    path: str
    is_dir: bool
    mode: str = "files"
    join_on: str | None = None
    group_by: str | None = None


class DatumRecord(msgspec.Struct, frozen=True, array_like=True):
    """One datum to be worked."""

    id: bytes
    key: bytes
    pieces: list[PieceRecord]


class PlanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a job before work begins."""

    format: int = FORMAT
    project: str
    pipeline: str
    spec_version: int
    job: str
    command: Command
    tries: int
    datum_timeout_s: float | None
    inputs: list[InputPin]
    total: int
    skipped: int
    draft: str
    set_sizes: list[int]
    workers: int
    skipped_tree: str
    max_log_bytes: int = 64 << 20
    masked: list[str] = []
    key_indexes: dict[str, str] = {}
    """Trees that the next plan finds join and group keys by, by name; absent in older plans."""
    program_start_s: float = PROGRAM_START_S
    tars: TarSpout | None = None


class SetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The datums of one set, in datum order."""

    format: int = FORMAT
    datums: list[DatumRecord]


class DatumResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one datum. ``rows`` are its output files, empty unless it succeeded."""

    id: bytes
    key: bytes
    pieces: list[PieceRecord]
    state: str
    tries: int
    exit_code: int | None
    reason: str
    started: datetime
    finished: datetime
    rows: bytes


class SetResult(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one set; the first one written counts."""

    format: int = FORMAT
    worker: str
    incarnation: str
    datums: list[DatumResult]


class MemoRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A datum that succeeded: what the memo and a job's manifest hold."""

    format: int = FORMAT
    id: bytes
    key: bytes
    pieces: list[PieceRecord]
    rows: bytes


class Claim(msgspec.Struct, frozen=True):
    """Who works on a set. An empty incarnation gives the set back."""

    worker: str
    incarnation: str


_T = TypeVar("_T", bound=msgspec.Struct)


def encode(record: msgspec.Struct) -> bytes:
    """Return a record's bytes."""
    return msgspec.msgpack.encode(record)


def decode(data: bytes, kind: type[_T], *, name: str) -> _T:
    """Return the record that the bytes hold.

    Raises:
        CorruptDataError: ``record-corrupt`` naming the object.
    """
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise CorruptDataError(
            ErrorCode.RECORD_CORRUPT, f"{name} is damaged: {error}", object=name
        ) from error
