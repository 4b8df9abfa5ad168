import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.egress_shape import EGRESS
from pfs_provider.spec.model import Egress, SecretRef, SqlEgress, SqlFileFormat
from pfs_provider.spec.spots import Notes, Spot

AT = Spot("egress", Notes())
SQL = {
    "url": "postgresql://x",
    "file_format": {"type": "csv", "columns": ["a"]},
    "secret": {"name": "db", "key": "password"},
}


@pytest.mark.parametrize(
    "given", [{"URL": "s3://x"}, {"url": "s3://x"}, {"objectStorage": {"url": "s3://x"}}]
)
def test_the_url_stands_in_one_of_two_places(given: object) -> None:
    assert EGRESS.read(given, AT) == Egress(url="s3://x")


def test_a_database_has_url_format_and_secret() -> None:
    made = EGRESS.read({"sql_database": SQL}, AT)

    assert made.sql_database == SqlEgress(
        url="postgresql://x",
        file_format=SqlFileFormat(type="CSV", columns=("a",)),
        secret=SecretRef(name="db", key="password"),
    )
    assert EGRESS.read(EGRESS.write(made), AT) == made


@pytest.mark.parametrize("missing", ["url", "file_format"])
def test_a_database_without_one_of_them_is_refused(missing: str) -> None:
    given = {key: value for key, value in SQL.items() if key != missing}

    with pytest.raises(RefusedError, match=rf"egress\.sql_database\.{missing} is missing"):
        EGRESS.read({"sql_database": given}, AT)
