"""The schema's version: a cheap check on opening, migrations when they are needed.

Invariants: the check is one query and imports no alembic. A schema newer than this program is
never touched. Two processes that open an empty database migrate it once. Must not know: verbs.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from pfs_provider.catalog.engine import lock_for_writing
from pfs_provider.errors import ErrorCode, UnavailableError

__all__ = ["HEAD", "ensure_schema", "migrate"]

REVISIONS: Final = ("0001", "0002", "0003")
"""Every schema there was, oldest first. A new file in migrations/versions adds its revision."""

HEAD: Final = REVISIONS[-1]
"""The schema that this program speaks."""

VERSION_TABLE: Final = "pfs_alembic_version"


def ensure_schema(engine: Engine) -> None:
    """Bring the database to ``HEAD``.

    Raises:
        UnavailableError: ``catalog-too-new``: a newer program made it. Nothing was changed.
    """
    with engine.connect() as connection:
        if _find_revision(connection) == HEAD:
            return
    with lock_for_writing(engine) as connection:
        found = _find_revision(connection)
        if found == HEAD:
            return
        if found is not None and found not in REVISIONS:
            raise UnavailableError(
                ErrorCode.CATALOG_TOO_NEW,
                f"the catalog's schema {found!r} is newer than this program's {HEAD!r}: "
                "upgrade airflow-provider-pfs",
                found=found,
                known=HEAD,
            )
        migrate(connection)


def _find_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 a constant
    return None if found is None else str(found)


def migrate(connection: Connection, *, revision: str = "head") -> None:
    """Run the migrations up to a revision inside the caller's transaction."""
    # lazy: alembic takes longer to import than all else here, and is seldom needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext, RevisionStep  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    folder = Path(__file__).with_name("migrations")
    script = ScriptDirectory(str(folder))

    def steps(current: str, _context: MigrationContext) -> list[RevisionStep]:
        return list(script._upgrade_revs(revision, current))  # noqa: SLF001 alembic's own way

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()
