"""Secrets of this machine, in real folders."""

from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.secrets import Secrets, secret_variable


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(folder=tmp_path / "some/secrets")


def test_a_secret_is_kept_for_its_owner_alone(secrets: Secrets) -> None:
    made = secrets.create("shop-db", {"password": b"one\n", "ca.pem": b"\xff\x00"})

    assert (made.name, made.keys) == ("shop-db", ("ca.pem", "password"))
    assert secrets.list_all() == [made] == [secrets.get("shop-db")]
    assert secrets.find_text("shop-db", "password") == "one"
    assert secrets.find_files("shop-db") == {"password": b"one\n", "ca.pem": b"\xff\x00"}
    assert secrets.find_files("shop-db", "ca.pem") == {"ca.pem": b"\xff\x00"}
    folder = secrets.folder
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "shop-db")] == [0o700] * 2
    assert (folder / "shop-db/password").stat().st_mode & 0o777 == 0o600


def test_one_that_is_there_is_not_changed_and_one_that_is_gone_leaves_nothing(
    secrets: Secrets,
) -> None:
    secrets.create("db", {"a": b"first"})

    with pytest.raises(ConflictError, match="delete secret db") as exists:
        secrets.create("db", {"a": b"second"})

    assert exists.value.code == ErrorCode.SECRET_EXISTS
    assert secrets.find_text("db", "a") == "first"
    secrets.delete("db")
    assert list(secrets.folder.iterdir()) == []
    for act in (secrets.delete, secrets.get):
        with pytest.raises(NotFoundError) as missing:
            act("db")
        assert missing.value.code == ErrorCode.SECRET_NOT_FOUND


@pytest.mark.parametrize("name", ["", "..", "a/b", "Upper", "-a", "a_b", "x" * 254])
def test_a_name_that_kubernetes_would_not_take_is_refused(secrets: Secrets, name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        secrets.create(name, {"a": b"value-of-it"})

    assert refused.value.code == ErrorCode.SECRET_ILLEGAL
    assert "value-of-it" not in str(refused.value)
    assert not secrets.folder.exists()


@pytest.mark.parametrize("key", ["", ".", "..", "..data", "a/b", "a b"])
def test_a_key_that_is_no_files_name_is_refused(secrets: Secrets, key: str) -> None:
    with pytest.raises(RefusedError, match="has the key"):
        secrets.create("db", {key: b"value"})


def test_a_secret_without_keys_is_refused(secrets: Secrets) -> None:
    with pytest.raises(RefusedError, match="has no key"):
        secrets.create("db", {})


def test_a_folder_as_kubernetes_mounts_it_is_read(secrets: Secrets) -> None:
    mounted = secrets.folder / "db"
    (mounted / "..2026").mkdir(parents=True)
    (mounted / "..2026/password").write_bytes(b"from kubernetes")
    (mounted / "..data").symlink_to("..2026")
    (mounted / "password").symlink_to("..data/password")

    assert secrets.find_text("db", "password") == "from kubernetes"
    assert secrets.find_files("db") == {"password": b"from kubernetes"}


def test_a_variable_is_stronger_than_a_file(secrets: Secrets) -> None:
    secrets.create("shop-db", {"password": b"in a file"})
    variable = secret_variable("shop-db", "password")
    both = Secrets(folder=secrets.folder, variables={variable: "in a variable"})

    assert variable == "PFS_SECRET_SHOP_DB_PASSWORD"
    assert both.find_text("shop-db", "password") == "in a variable"
    assert both.find_files("shop-db", "password") == {"password": b"in a variable"}
    assert variable in both.describe_place("shop-db", "password")
    assert "in a variable" not in repr(both)


@pytest.mark.parametrize(
    ("name", "key"),
    [("db", "other"), ("..", "outside"), ("db", "../outside"), ("no", "a"), ("", "")],
)
def test_what_is_not_here_is_not_found_elsewhere(secrets: Secrets, name: str, key: str) -> None:
    secrets.create("db", {"a": b"1"})
    (secrets.folder.parent / "outside").write_text("no secret")

    assert secrets.find_text(name, key) is None
    assert secrets.find_files(name, key or "x") == {}


def test_what_cannot_be_a_text_or_be_read_is_named(secrets: Secrets) -> None:
    secrets.create("db", {"bytes": b"\xff\xfe-value"})
    (secrets.folder / "db/folder").mkdir()

    for key in ("bytes", "folder"):
        with pytest.raises(RefusedError, match=f"db/{key}") as refused:
            secrets.find_text("db", key)
        assert refused.value.code == ErrorCode.SETTINGS_ILLEGAL
        assert "-value" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RefusedError, match="PFS_SECRETS"):
        Secrets(folder=tmp_path / "file/below").create("db", {"a": b"1"})
    assert Secrets(folder=tmp_path / "file").list_all() == []
