"""Projects: create, get, list, delete."""

from typing import Any

from sqlalchemy import Row, delete, insert, select

from pfs_provider.catalog.tables import defaults, pipelines, projects, repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Project
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError

__all__ = ["create_project", "delete_project", "get_project", "list_projects"]


def create_project(tx: Tx, name: str, *, description: str = "") -> Project:
    """Make a project. Raises ConflictError ``project-exists``."""
    if tx.first(select(projects).where(projects.c.name == name)) is not None:
        raise ConflictError(
            ErrorCode.PROJECT_EXISTS, f"project {name} exists already", project=name
        )
    tx.run(insert(projects).values(name=name, description=description, created=tx.now))
    tx.add_event("project-created", name)
    return get_project(tx, name)


def get_project(tx: Tx, name: str) -> Project:
    """Return a project. Raises NotFoundError ``project-not-found``."""
    row = tx.first(select(projects).where(projects.c.name == name))
    if row is None:
        raise NotFoundError(
            ErrorCode.PROJECT_NOT_FOUND,
            f"project {name} does not exist: create it first",
            project=name,
        )
    return _value(row)


def list_projects(tx: Tx) -> tuple[Project, ...]:
    """Return all projects by name."""
    return tuple(_value(row) for row in tx.all(select(projects).order_by(projects.c.name)))


def delete_project(tx: Tx, name: str) -> None:
    """Delete an empty project.

    Raises:
        NotFoundError: ``project-not-found``.
        ConflictError: ``in-use``: it still has repos or pipelines.
    """
    get_project(tx, name)
    for table, noun in ((repos, "repo"), (pipelines, "pipeline")):
        found = tx.scalar(select(table.c.key).where(table.c.project == name).limit(1))
        if found is not None:
            raise ConflictError(
                ErrorCode.IN_USE,
                f"project {name} still has the {noun} {found}: delete it first",
                project=name,
            )
    tx.run(delete(defaults).where(defaults.c.scope == name))
    tx.run(delete(projects).where(projects.c.name == name))
    tx.add_event("project-deleted", name)


def _value(row: Row[Any]) -> Project:
    return Project(name=row.name, description=row.description, created=row.created)
