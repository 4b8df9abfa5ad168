"""The table of ``egress``: where the output is copied to.

Must not know: how it is copied.
"""

from dataclasses import dataclass

from pfs_provider.spec.kinds import ListOf, OneOf, Words
from pfs_provider.spec.model import Egress, SecretRef, SqlEgress, SqlFileFormat
from pfs_provider.spec.shape import Field, Shape

__all__ = ["EGRESS"]

_SQL = Shape(
    SqlEgress,
    (
        Field("url", Words("postgresql://…"), "The database.", missing="write the database's URL"),
        Field(
            "file_format",
            Shape(
                SqlFileFormat,
                (
                    Field(
                        "type",
                        OneOf(("CSV", "JSON")),
                        "CSV or JSON.",
                        missing='write "CSV" or "JSON"',
                    ),
                    Field(
                        "columns",
                        ListOf(Words()),
                        "Which columns are loaded; each CSV file then begins with a header.",
                    ),
                ),
            ),
            "What the output files are.",
            missing='write "file_format": {"type": "CSV"}',
        ),
        Field(
            "secret",
            Shape(
                SecretRef,
                (
                    Field("name", Words("db"), "The secret.", missing="name the secret"),
                    Field("key", Words("password"), "The key in it.", missing="name the key"),
                ),
            ),
            "The password; SQLite has none.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _EgressGiven:
    """An egress as written: its URL stands in one of two places."""

    url: str = ""
    object_storage: Egress | None = None
    sql_database: SqlEgress | None = None


def _make_egress(**found: object) -> Egress:
    given = _EgressGiven(**found)  # type: ignore[arg-type]  # its shape read the fields
    url = given.url or (given.object_storage.url if given.object_storage else "")
    return Egress(url=url, sql_database=given.sql_database)


EGRESS = Shape(
    _make_egress,
    (
        Field("url", Words("s3://bucket/folder"), "Object store to copy the output to."),
        Field(
            "object_storage",
            Shape(
                Egress,
                (
                    Field(
                        "url",
                        Words("s3://bucket/folder"),
                        "The same, 2.x form.",
                        missing="write the URL",
                    ),
                ),
            ),
            "Object store to copy the output to.",
        ),
        Field("sql_database", _SQL, "Database to load the output into."),
    ),
)
