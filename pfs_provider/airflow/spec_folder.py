"""A folder of pipeline specs, checked, in the order in which the pipelines build on each other.

Invariants: only files are read, no catalog and no store, because DAG files do this while they are
parsed; each pipeline is in one file. Must not know: Airflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.names import PipelineKey, RepoKey
from pfs_provider.spec.load import LoadedSpec, load_specs
from pfs_provider.spec.model import CronInput, Input, PfsInput, PipelineSpec, iter_parts

__all__ = ["SpecFolder", "cron_inputs", "file_inputs", "load_folder"]

SUFFIXES = (".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFolder:
    """The specs of a folder.

    Args:
        folder: Where they are.
        specs: Each after those whose output it reads.
        files: Which file a pipeline is in.
    """

    folder: Path
    specs: tuple[LoadedSpec, ...]
    files: Mapping[PipelineKey, Path]

    @property
    def outputs(self) -> frozenset[RepoKey]:
        """The repos that these pipelines write."""
        return frozenset(one.spec.key.repo for one in self.specs)

    @property
    def source_repos(self) -> tuple[RepoKey, ...]:
        """The repos that they read and that somebody else writes, each once."""
        read = {
            part.repo_key for one in self.specs for part in file_inputs(one.spec, with_silent=True)
        }
        return tuple(sorted(read - self.outputs))

    def upstream(self, spec: PipelineSpec) -> tuple[PipelineKey, ...]:
        """Return the pipelines of this folder whose output a pipeline reads."""
        read = {part.repo_key for part in file_inputs(spec, with_silent=True)}
        return tuple(one.spec.key for one in self.specs if one.spec.key.repo in read)


def load_folder(folder: str | Path) -> SpecFolder:
    """Return the specs of all ``.json``, ``.yaml`` and ``.yml`` files of a folder and below it.

    Raises:
        RefusedError: ``spec-illegal`` with file and field; a pipeline in two files, or one that
            asks for what only makes sense once; ``provenance-illegal``: pipelines that read each
            other's output.
        NotFoundError: ``source-not-found``: there is no such folder, or no spec in it.
    """
    place = Path(folder).resolve()
    files: dict[PipelineKey, Path] = {}
    loaded: dict[PipelineKey, LoadedSpec] = {}
    for path in sorted(place.rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        for one in load_specs(path):
            _check(one, path, files)
            files[one.spec.key], loaded[one.spec.key] = path, one
    if not loaded:
        raise NotFoundError(
            ErrorCode.SOURCE_NOT_FOUND,
            f"there is no spec ({', '.join(SUFFIXES)}) in {place}: name the folder of specs, "
            'as in Path(__file__).parent / "specs"',
            source=str(place),
        )
    return SpecFolder(folder=place, specs=tuple(_sort(place, loaded)), files=files)


def file_inputs(spec: PipelineSpec, *, with_silent: bool = False) -> tuple[PfsInput, ...]:
    """Return the inputs that read a repo, without clocks.

    Args:
        spec: Whose.
        with_silent: Also those whose commits start no job.
    """
    return tuple(
        part
        for part in _leaves(spec.input)
        if isinstance(part, PfsInput) and (part.propagate or with_silent)
    )


def cron_inputs(spec: PipelineSpec) -> tuple[CronInput, ...]:
    """Return the clocks among the inputs."""
    return tuple(part for part in _leaves(spec.input) if isinstance(part, CronInput))


def _leaves(node: Input) -> tuple[Input, ...]:
    parts = iter_parts(node)
    return tuple(leaf for part in parts for leaf in _leaves(part)) if parts else (node,)


def _check(one: LoadedSpec, path: Path, files: Mapping[PipelineKey, Path]) -> None:
    key = one.spec.key
    if key in files:
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"{path}: pipeline {key} is in {files[key]} already: keep one of the two",
            source=str(path),
            pipeline=key.name,
        )
    flag = "reprocess" if one.reprocess else "dry_run" if one.dry_run else ""
    if flag:
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"{path}: pipeline {key}: {flag} would count at every run: take it out of the spec",
            source=str(path),
            pipeline=key.name,
            field=flag,
        )


def _sort(place: Path, loaded: Mapping[PipelineKey, LoadedSpec]) -> list[LoadedSpec]:
    makers = {key.repo: key for key in loaded}
    sorter: TopologicalSorter[PipelineKey] = TopologicalSorter()
    for key, one in loaded.items():
        read = (part.repo_key for part in file_inputs(one.spec, with_silent=True))
        sorter.add(key, *(makers[repo] for repo in read if repo in makers))
    try:
        return [loaded[key] for key in sorter.static_order()]
    except CycleError as error:
        circle = " → ".join(str(key) for key in error.args[1])
        raise RefusedError(
            ErrorCode.PROVENANCE_ILLEGAL,
            f"{place}: these pipelines read each other's output: {circle}",
            source=str(place),
        ) from None
