"""Loads pipeline specs: JSON or YAML of any version from 1.0 on, from a file, a URL or a mapping.

Invariant: what comes out is checked whole (tables, then the rules over several fields); its
``document`` loads again to an equal spec, without warnings of form.
Must not know: repos and pipelines that exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pfs_provider.errors import RefusedError
from pfs_provider.refs.names import DEFAULT_PROJECT
from pfs_provider.spec.defaults import DefaultsOf, merge_patch, no_defaults
from pfs_provider.spec.kinds import Flag
from pfs_provider.spec.legacy import modernise
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.spec.refusals import check_spec
from pfs_provider.spec.shape import rename_fields
from pfs_provider.spec.shapes import FLAGS, SPEC, write_spec
from pfs_provider.spec.sources import Document, Source, read_documents
from pfs_provider.spec.spots import Notes, Spot

__all__ = ["LoadedSpec", "load_specs"]

_KNOWN = {*FLAGS, *(field.name for field in SPEC.fields)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """One spec.

    Attributes:
        spec: What it means.
        warnings: One for each oddity: older forms with their modern one, fields without effect.
        hints: Advice that is no fault of the file, such as an image without a tag.
        document: The same in 2.x JSON, without what has its default.
        written: What its author wrote, with today's names, before defaults were merged under it.
        update: The file asks to update the pipeline if it exists.
        reprocess: The file asks to process every datum again.
        dry_run: The file asks to check only.
    """

    spec: PipelineSpec
    warnings: tuple[str, ...]
    hints: tuple[str, ...]
    document: dict[str, object]
    written: dict[str, object]
    update: bool = False
    reprocess: bool = False
    dry_run: bool = False


def load_specs(
    source: Source, *, n_nodes: int = 1, defaults: DefaultsOf = no_defaults
) -> list[LoadedSpec]:
    """Return the specs of a source, one or more, in its order.

    Args:
        source: Path or URL as text, the JSON itself (text that begins with a brace), a Path, an
            open file, a mapping, or a list of mappings.
        n_nodes: What "one worker per node" in specs before 1.9 means.
        defaults: What is merged under each spec, by its project.

    Raises:
        RefusedError: ``spec-illegal``, with the path of the field and the way out; or
            ``source-illegal``.
        NotFoundError: ``source-not-found``.
        UnavailableError: ``source-unavailable``.
    """
    name, documents = read_documents(source)
    return [
        _load(
            document, name if len(documents) == 1 else f"{name}, spec {number}", n_nodes, defaults
        )
        for number, document in enumerate(documents, start=1)
    ]


def _load(document: Document, name: str, n_nodes: int, defaults: DefaultsOf) -> LoadedSpec:
    notes = Notes()
    at = Spot("", notes)
    layers: tuple[Document, ...] = ()
    try:
        modern = modernise(document, at, known=_KNOWN, n_nodes=n_nodes)
        flags = {
            flag: Flag().read(value, at.child(flag))
            for flag in FLAGS
            if (value := modern.pop(flag, None)) is not None
        }
        written = cast("dict[str, object]", rename_fields(SPEC, modern))
        layers = tuple(each for each in defaults(_project(written)) if each)
        spec = SPEC.read(merge_patch(*layers, written) if layers else written, at)
        check_spec(spec, at)
    except RefusedError as error:
        who = f"pipeline {notes.key}: " if notes.key.name else ""
        where = "" if name == "the spec" else f"{name}: "
        merged = " (with the defaults: see `pfs inspect defaults`)" if layers else ""
        fields = {**error.fields, "source": name, "pipeline": notes.key.name}
        raise RefusedError(error.code, f"{where}{who}{error.message}{merged}", **fields) from error
    return LoadedSpec(
        spec=spec,
        warnings=tuple(notes.warnings),
        hints=tuple(_image_hints(spec.transform.image)),
        document=write_spec(spec),
        written=written,
        **flags,
    )


def _project(document: Mapping[str, object]) -> str:
    """Return the project that a spec names, as far as that can be told before it is read."""
    key = document.get("pipeline")
    found = key.get("project") if isinstance(key, Mapping) else None
    named = found.get("name") if isinstance(found, Mapping) else found
    return named if isinstance(named, str) and named else DEFAULT_PROJECT


def _image_hints(image: str) -> list[str]:
    name = image.rpartition("/")[2]
    if not image or "@" in name or (":" in name and not name.endswith(":latest")):
        return []
    tag = "the tag latest" if name.endswith(":latest") else "no tag"
    hint = (
        f"transform.image {image!r} has {tag}: what it means may change from day to day; "
        "name a tag or a digest"
    )
    return [hint]
