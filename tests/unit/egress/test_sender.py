"""Where an output is sent to."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pfs_provider.egress.sender import OutputSender, beside
from pfs_provider.errors import RefusedError
from pfs_provider.spec.model import Egress, SecretRef, SqlEgress, SqlFileFormat
from pfs_provider.storage.handle import Storage
from tests.unit.egress.conftest import MakeTree

SENDER = OutputSender(
    store_url="memory://",
    options={},
    find_secret=lambda _name, _key: None,
    secret_places=lambda name, key: f"the place of {name} and {key}",
)


def test_a_bucket_is_beside_the_store_unless_it_says_where_it_is() -> None:
    store = "s3://data/x?endpoint=http://h:9000&region=r"

    assert beside("s3://out/y", store) == "s3://out/y?endpoint=http://h:9000&region=r"
    assert beside("s3://out?region=q", store) == "s3://out?region=q"
    assert beside("gs://out", store) == "gs://out"
    assert beside("file:///out", "file:///store?sync=true") == "file:///out"


def test_files_and_rows_go_where_the_egress_says(
    storage: Storage, make_tree: MakeTree, tmp_path: Path
) -> None:
    tree = make_tree({"/t/1": b"x\n"})
    with sqlite3.connect(tmp_path / "d.db") as database:
        database.execute("CREATE TABLE t (a TEXT)")
    form = SqlFileFormat(type="CSV")
    sql = SqlEgress(url=f"sqlite:///{tmp_path / 'd.db'}", file_format=form)

    SENDER.send(Egress(url=str(tmp_path / "out")), storage, tree, lambda: None)
    SENDER.send(Egress(sql_database=sql), storage, tree, lambda: None)

    assert (tmp_path / "out/t/1").read_bytes() == b"x\n"
    assert database.execute("SELECT a FROM t").fetchall() == [("x",)]
    database.close()


@pytest.mark.parametrize("url", ["/data/store", "file:///data/store/x?sync=true"])
def test_the_engines_own_store_is_no_target(
    storage: Storage, make_tree: MakeTree, url: str
) -> None:
    sender = replace(SENDER, store_url="file:///data/store")

    with pytest.raises(RefusedError, match="own store"):
        sender.send(Egress(url=url), storage, make_tree({}), lambda: None)


def test_a_secret_that_is_missing_is_named_with_where_to_put_it(
    storage: Storage, make_tree: MakeTree
) -> None:
    sql = SqlEgress(
        url="postgresql://u@h/d",
        file_format=SqlFileFormat(type="CSV"),
        secret=SecretRef(name="db", key="password"),
    )

    with pytest.raises(RefusedError, match="the place of db and password"):
        SENDER.send(Egress(sql_database=sql), storage, make_tree({}), lambda: None)
