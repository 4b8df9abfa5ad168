"""The pipelines of a soak round: every shape of input, and datums that fail.

``up`` and ``all`` are always there, chained; the others are drawn, as each costs seconds a round.
Must not know: who is killed.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

__all__ = ["EXTRA", "draw_shapes", "specs_of"]

SLEEP_S = "0.03"
"""Seconds that user code takes per datum; the mark is appended, which makes it findable."""
COPY_ALL = "for f in /pfs/*/*; do cat $f >> /pfs/out/$(basename $f); done"
EXTRA = ("recovered", "failing", "joined", "outer", "grouped", "crossed", "resident")


def draw_shapes(random: Random, n_extra: int) -> list[str]:
    """Return which of the extra pipelines a round has."""
    return sorted(random.sample(EXTRA, n_extra))


def specs_of(shapes: Sequence[str], mark: str) -> list[dict[str, Any]]:
    """Return the specs of a round, in an order in which they can be made.

    Args:
        shapes: Which of the extra pipelines.
        mark: Part of the code, so the same in both places: it decides what is skipped.
    """
    lines = [
        "for f in /pfs/in/*; do tr a-z A-Z < $f > /pfs/out/$(basename $f); done",
        "echo done",
    ]
    up = _spec("up", _pfs("in", "/*"), mark, lines, datum_set_spec={"number": 3})
    together = ["cat /pfs/up/* > /pfs/out/all", "ls /pfs/up > /pfs/out/names"]
    found = [up, _spec("all", _pfs("up", "/"), mark, together)]
    for shape in shapes:
        found += _SHAPES[shape](mark)
    return found


def _spec(name: str, given: dict[str, Any], mark: str, lines: list[str], **more: Any) -> Any:
    transform = {
        "cmd": ["sh", "-s", mark],
        "stdin": [f"sleep {SLEEP_S}{mark}", *lines],
        **more.pop("transform", {}),
    }
    return {"pipeline": {"name": name}, "input": given, "transform": transform, **more}


def _pfs(repo: str, glob: str, **more: Any) -> dict[str, Any]:
    return {"pfs": {"repo": repo, "glob": glob, **more}}


def _recovered(mark: str) -> list[Any]:
    """Datums of an odd size fail, and err_cmd recovers them."""
    lines = ["[ $(($(cat /pfs/in/* | wc -c) % 2)) = 0 ] || exit 3", "cp /pfs/in/* /pfs/out"]
    saved = {"err_cmd": ["sh"], "err_stdin": ["echo saved"]}
    return [
        _spec(
            "recovered", _pfs("in", "/*"), mark, lines, transform=saved, datum_tries=2,
            datum_set_spec={"number": 4},
        )
    ]  # fmt: skip


def _failing(mark: str) -> list[Any]:
    """A bad fate fails a datum, so the job; the one behind it is not run."""
    lines = ["if grep -qx bad /pfs/in/fate; then exit 5; fi", "cp /pfs/in/* /pfs/out"]
    return [
        _spec("failing", _pfs("in", "/*"), mark, lines, datum_tries=2),
        _spec("behind", _pfs("failing", "/"), mark, ["ls /pfs/failing > /pfs/out/names"]),
    ]


def _joined(mark: str) -> list[Any]:
    sides = [_pfs(repo, "/small-(*)", join_on="$1") for repo in ("in", "up")]
    return [_spec("joined", {"join": sides}, mark, [COPY_ALL], datum_set_spec={"number": 2})]


def _outer(mark: str) -> list[Any]:
    """Where a file has no partner, it is a datum by itself."""
    sides = [
        _pfs("in", "/(*)", join_on="$1", outer_join=True),
        _pfs("all", "/(*)", join_on="$1", outer_join=True),
    ]
    return [_spec("outer", {"join": sides}, mark, [COPY_ALL])]


def _grouped(mark: str) -> list[Any]:
    group = {"group": [_pfs("in", "/small-*(?)", group_by="$1")]}
    return [_spec("grouped", group, mark, ["cat /pfs/in/* > /pfs/out/$PACH_DATUM_in_GROUP_BY"])]


def _crossed(mark: str) -> list[Any]:
    """Two inputs, and one path from several datums."""
    sides = [_pfs("in", "/small-?"), _pfs("up", "/large-*", name="large")]
    lines = ["basename $(ls /pfs/in/*) >> /pfs/out/names", "ls /pfs/large >> /pfs/out/names"]
    return [
        _spec(
            "crossed", {"cross": sides}, mark, lines, output_conflict="concat",
            datum_set_spec={"number": 5},
        )
    ]  # fmt: skip


def _resident(mark: str) -> list[Any]:
    """One command for many datums."""
    lines = [
        "while pfs next datum; do",
        f"sleep {SLEEP_S}{mark}",
        "cp /pfs/in/* /pfs/out/",
        "done",
    ]
    batching = {"datum_batching": True}
    return [_spec("resident", _pfs("in", "/small-*"), mark, lines, transform=batching)]


_SHAPES = {
    "recovered": _recovered,
    "failing": _failing,
    "joined": _joined,
    "outer": _outer,
    "grouped": _grouped,
    "crossed": _crossed,
    "resident": _resident,
}
