"""Defaults of specs: one document for each project that has some, and one for all projects.

Must not know: what a document says (it is text here), how it is merged.
"""

from sqlalchemy import delete, insert, select

from pfs_provider.catalog.projects import get_project
from pfs_provider.catalog.tables import defaults
from pfs_provider.catalog.transaction import Tx

__all__ = ["find_defaults", "set_defaults"]

_EVERYWHERE = ""
"""The scope of the defaults of all projects; no project has this name."""


def find_defaults(tx: Tx, project: str | None) -> str | None:
    """Return the defaults of a project, or those of all for None; None if there are none.

    A project that does not exist has none.
    """
    scope = project or _EVERYWHERE
    found = tx.scalar(select(defaults.c.document).where(defaults.c.scope == scope))
    return None if found is None else str(found)


def set_defaults(tx: Tx, project: str | None, document: str | None) -> None:
    """Replace the defaults of a project, or those of all for None; no document removes them.

    Raises:
        NotFoundError: ``project-not-found``.
    """
    if project is not None:
        get_project(tx, project)
    scope = project or _EVERYWHERE
    tx.run(delete(defaults).where(defaults.c.scope == scope))
    if document is not None:
        tx.run(insert(defaults).values(scope=scope, document=document))
