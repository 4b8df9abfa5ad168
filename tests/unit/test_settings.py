"""Settings: who wins, what is derived, what workers get, what user code must not see."""

import os
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.settings import (
    load_settings,
    pod_credentials,
    secret_variables,
    store_options,
    worker_environment,
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment that says nothing, in an empty folder."""
    for name in ("PFS_HOME", "PFS_CATALOG", "PFS_STORE", "PFS_CONFIG", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_needs_to_be_set(bare: Path) -> None:
    settings = load_settings()

    home = bare / "user" / ".local" / "share" / "pfs"
    assert settings.home_folder == home
    assert settings.catalog_url == f"sqlite:///{home}/catalog.db"
    assert settings.store_url == f"file://{home}/store"
    assert settings.scratch_folder == home / "scratch"


def test_arguments_win_over_the_environment_and_that_over_the_file(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "pfs.toml").write_text('store = "s3://file"\ncatalog = "sqlite:////file.db"\n')
    assert load_settings().store_url == "s3://file"

    monkeypatch.setenv("PFS_STORE", "s3://environment")
    assert load_settings().store_url == "s3://environment"
    assert load_settings(store="s3://argument").store_url == "s3://argument"
    assert load_settings(store=None).store_url == "s3://environment"
    assert load_settings().catalog_url == "sqlite:////file.db"


def test_a_home_that_is_given_means_that_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFS_CATALOG", "postgresql+psycopg://elsewhere/db")

    settings = load_settings(home="/srv/pfs")

    assert settings.catalog_url == "sqlite:////srv/pfs/catalog.db"
    assert settings.store_url == "file:///srv/pfs/store"


def test_the_homes_own_file_is_read(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "home").mkdir()
    (bare / "home" / "pfs.toml").write_text("workers = 3\n")
    monkeypatch.setenv("PFS_HOME", str(bare / "home"))

    assert load_settings().workers == 3


@pytest.mark.parametrize(
    ("text", "named"),
    [("workers = 0", "workers"), ("lease_s = 'long'", "lease_s"), ("colour = 1", "colour"),
     ("this is no toml", "pfs.toml")],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(bare: Path, text: str, named: str) -> None:
    (bare / "pfs.toml").write_text(text)

    with pytest.raises(RefusedError) as raised:
        load_settings()

    assert raised.value.code == ErrorCode.SETTINGS_ILLEGAL
    assert named in str(raised.value)


def test_a_named_file_must_exist(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFS_CONFIG", str(bare / "none.toml"))

    with pytest.raises(RefusedError, match=r"none\.toml"):
        load_settings()


def test_a_worker_gets_the_store_and_nothing_of_the_catalog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PFS_CATALOG", "postgresql+psycopg://u:secret@h/d")
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")

    environment = worker_environment(load_settings(store="s3://bucket"))

    assert environment["PFS_STORE"] == "s3://bucket"
    assert environment["AWS_ACCESS_KEY_ID"] == "key"
    assert not [name for name, value in environment.items() if "secret" in value]


def test_store_options_are_the_clients_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")

    assert store_options()["aws_secret_access_key"] == "s"
    assert "path" not in store_options()


@pytest.mark.parametrize(
    ("arguments", "hidden"),
    [
        ({"home": "/srv/pfs"}, "/srv/pfs"),
        ({"store": "file:///srv/a%20b?sync=true"}, "/srv/a b"),
        ({"store": "/srv/plain"}, "/srv/plain"),
        ({"catalog": "sqlite:////srv/db/c.db"}, "/srv/db"),
        ({"catalog": "sqlite+pysqlite:////srv/db/c.db?timeout=1"}, "/srv/db"),
        ({"scratch": "/srv/scratch"}, "/srv/scratch"),
    ],
)
def test_user_code_sees_neither_store_nor_catalog(arguments: dict[str, str], hidden: str) -> None:
    assert Path(hidden) in load_settings(**arguments).hidden_paths


def test_user_code_sees_no_credential_files(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "user" / ".aws").mkdir()
    (bare / "keys.json").write_text("{}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(bare / "keys.json"))

    hidden = load_settings().hidden_paths

    assert bare / "user" / ".aws" in hidden
    assert bare / "keys.json" in hidden
    assert Path("/") not in hidden


def test_a_user_without_a_name_or_a_home_has_the_default_below_the_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HOME", "PFS_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)  # no such line in /etc/passwd

    settings = load_settings()

    assert settings.home_folder == Path("/.local/share/pfs")
    assert settings.hidden_paths


def test_what_is_said_of_a_cluster_is_put_together(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    (bare / "pfs.toml").write_text('k8s_worker_image = "pfs:1"\nk8s_labels = {team = "x"}\n')
    assert load_settings().cluster == {"worker_image": "pfs:1", "labels": {"team": "x"}}

    monkeypatch.setenv("KUBECONFIG", "/etc/kube")
    monkeypatch.setenv("PFS_K8S_WORKER_IMAGE", "pfs:2")
    monkeypatch.setenv("PFS_K8S_LABELS", '{"team": "y"}')
    monkeypatch.setenv("PFS_K8S_START_TIMEOUT_S", "7")
    assert load_settings().cluster == {
        "worker_image": "pfs:2",
        "labels": {"team": "y"},
        "kubeconfig": "/etc/kube",
        "start_timeout_s": 7.0,
    }

    monkeypatch.setenv("PFS_K8S_KUBECONFIG", "/own/kube")
    assert load_settings().cluster["kubeconfig"] == "/own/kube"


def test_a_table_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFS_K8S_LABELS", "team=x")

    with pytest.raises(RefusedError, match="k8s_labels") as raised:
        load_settings()

    assert raised.value.code == ErrorCode.SETTINGS_ILLEGAL


def test_pods_get_credentials_and_nothing_that_names_a_file_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token")
    monkeypatch.setenv("PGPASSWORD", "the catalog's")

    found = pod_credentials({"aws_secret_access_key": "option", "aws_access_key_id": "key"})

    assert found["AWS_ACCESS_KEY_ID"] == "key"
    assert found["AWS_SECRET_ACCESS_KEY"] == "option"
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" not in found
    assert "PGPASSWORD" not in found


def test_secrets_lie_in_a_folder_of_their_own_that_user_code_does_not_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(home=tmp_path / "home")
    named = load_settings(home=tmp_path / "home", secrets=tmp_path / "mounted")

    assert settings.secrets_folder == tmp_path / "home/secrets"
    assert named.secrets_folder == tmp_path / "mounted"
    assert tmp_path / "mounted" in named.hidden_paths

    monkeypatch.setenv("PFS_SECRET_SHOP_DB_PASSWORD", "in a variable")
    monkeypatch.setenv("PFS_SECRETS", str(tmp_path))
    assert secret_variables() == {"PFS_SECRET_SHOP_DB_PASSWORD": "in a variable"}
    assert not {"PFS_SECRET_SHOP_DB_PASSWORD", "PFS_SECRETS"} & worker_environment(settings).keys()
