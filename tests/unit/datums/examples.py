"""Inputs and files that the tests of this folder start from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pfs_provider.datums.datum import Datum, Piece, PieceSource, make_datum
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import Input, PfsInput, PipelineSpec


@dataclass(frozen=True)
class Found:
    """A file or folder as a store would list it."""

    path: str
    is_dir: bool = False
    digest: bytes = b"d" * 32
    size: int = 1


Lookup = Callable[[PfsInput], Iterable[Found]]


def files(**by_repo: str) -> Lookup:
    """Return a lookup of the given paths, by repo; a trailing slash makes a folder."""
    return lambda node: [
        Found(path.rstrip("/") or "/", is_dir=path.endswith("/"))
        for path in by_repo.get(node.repo, "").split()
    ]


def spec_of(node: object, **more: object) -> PipelineSpec:
    """Return a spec with that input."""
    [loaded] = load_specs(
        {"pipeline": {"name": "edges"}, "transform": {"cmd": ["x"]}, "input": node, **more}
    )
    return loaded.spec


def input_of(node: object) -> Input:
    """Return an input."""
    return spec_of(node).input


def pfs(repo: str, glob: str = "/*", **more: object) -> dict[str, object]:
    """Return a pfs input."""
    return {"pfs": {"repo": repo, "glob": glob, **more}}


def piece(path: str = "/a", *, repo: str = "images", **more: object) -> Piece:
    """Return a piece; source facts and piece facts both by name."""
    facts = {"lazy", "empty_files", "s3", "reference", "name", "branch", "project"}
    source = {key: value for key, value in more.items() if key in facts}
    names = {"name": repo, "project": "default"}
    node = PfsInput(repo=repo, glob="/*", **{**names, **source})  # type: ignore[arg-type]  # by name
    own = {"is_dir": False, "digest": b"d" * 32, "size": 1}
    own |= {key: value for key, value in more.items() if key not in facts}
    return Piece(PieceSource.of(node), path, **own)  # type: ignore[arg-type]  # by name


def datum(*pieces: Piece) -> Datum:
    """Return a datum."""
    return make_datum(pieces)


def shown(datums: Iterable[Datum]) -> list[str]:
    """Return datums as ``a:/1 b:/x``."""
    return [" ".join(f"{p.input}:{p.path}" for p in each.pieces) for each in datums]
