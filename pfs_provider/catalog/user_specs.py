"""What the author of a pipeline wrote, without the defaults that were merged under it.

Invariant: never changed; a version without one was written whole by its author.
Must not know: what a document says (it is text here).
"""

from sqlalchemy import insert, select

from pfs_provider.catalog.keys import pipeline_text
from pfs_provider.catalog.tables import user_specs
from pfs_provider.catalog.transaction import Tx
from pfs_provider.refs.names import PipelineKey

__all__ = ["find_user_spec", "put_user_spec"]


def put_user_spec(tx: Tx, key: PipelineKey, version: int, document: str) -> None:
    """Keep what the author of a new version wrote."""
    row = {"pipeline": pipeline_text(key), "version": version, "document": document}
    tx.run(insert(user_specs).values(**row))


def find_user_spec(tx: Tx, key: PipelineKey, version: int) -> str | None:
    """Return what the author of a version wrote, None if that is all of its spec."""
    query = select(user_specs.c.document).where(
        user_specs.c.pipeline == pipeline_text(key), user_specs.c.version == version
    )
    found = tx.scalar(query)
    return None if found is None else str(found)
