"""Where the catalog and the store are: the only reader of the environment.

Order, the first that says something wins: arguments, environment (``PFS_CATALOG``, ``PFS_STORE``,
``PFS_HOME``), the file ``pfs.toml`` (named by ``PFS_CONFIG``, else in the working folder, else in
the home folder), the default: one folder ``pfs`` below the user's data folder.
Must not know: what a catalog or a store is; both are URLs here.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = [
    "Settings",
    "engine_environment",
    "load_settings",
    "pod_credentials",
    "secret_variables",
    "store_options",
    "store_secrets",
    "worker_environment",
]

CONFIG_NAME = "pfs.toml"
STORE_VARIABLES = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_ALLOW_HTTP",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCOUNT_NAME",
        "AZURE_STORAGE_CLIENT_ID",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_STORAGE_ENDPOINT",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_TENANT_ID",
        "AZURE_STORAGE_TOKEN",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
    }
)
"""What object store clients take credentials and endpoints from, and refuse others beside."""
SECRET_VARIABLES = frozenset(
    {
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_TOKEN",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
    }
)
"""Those that are the credentials themselves."""
MACHINE_VARIABLES = frozenset(
    {
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
    }
)
"""Those that name a file or a service of this machine: they mean nothing elsewhere."""
WORKER_VARIABLES = frozenset(
    {
        "HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    }
)  # fmt: skip
"""What a worker needs of its surroundings; nothing of the catalog."""
ENGINE_VARIABLES = frozenset(
    {
        "CONTAINER_CONNECTION", "CONTAINER_HOST", "CONTAINER_SSHKEY",
        "DBUS_SESSION_BUS_ADDRESS", "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH",
        "REGISTRY_AUTH_FILE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "USER",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    }
)  # fmt: skip
ENGINE_PREFIXES = ("CONTAINERS_", "DOCKER_", "XDG_")
"""What docker and podman are told by; no credential of the store is among it."""
CREDENTIAL_FILES = (
    ".aws",
    ".azure",
    ".config/gcloud",
    ".docker/config.json",
    ".kube",
    ".netrc",
    ".pgpass",
    ".ssh",
    "airflow/airflow.cfg",
)
"""Below the user's home folder."""
CREDENTIAL_FILE_VARIABLES = (
    "AIRFLOW_CONFIG",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "PFS_CONFIG",
    "PGPASSFILE",
)
"""Name such a file elsewhere."""
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE")


class Settings(BaseSettings):
    """What was set: ``catalog`` an SQLAlchemy URL, ``store`` a store URL, both below ``home``."""

    model_config = SettingsConfigDict(env_prefix="PFS_", env_ignore_empty=True, extra="forbid")

    home: Path | None = None
    catalog: str | None = None
    store: str | None = None
    workers: int | None = Field(default=None, ge=1, le=1000)
    lease_s: float = Field(default=20.0, gt=0)
    scratch: Path | None = None
    stat_cache: bool = True
    max_log_bytes: int = Field(default=64 << 20, ge=1 << 16)
    mask_variables: str | None = None
    watch_token: str | None = Field(default=None, repr=False)
    secrets: Path | None = None
    program_start_s: float = Field(default=1800.0, gt=0)
    egress_patience_s: float = Field(default=600.0, ge=0)
    container_engine: str | None = None
    container_image: str | None = None
    container_pull: Literal["missing", "always", "never"] = "missing"
    container_options: str = ""
    k8s_namespace: str | None = None
    k8s_worker_image: str | None = None
    k8s_user_image: str | None = None
    k8s_service_account: str | None = None
    k8s_store_secret: str | None = None
    k8s_store_url: str | None = None
    k8s_image_pull_policy: str | None = None
    k8s_kubeconfig: str | None = None
    k8s_context: str | None = None
    k8s_labels: dict[str, str] | None = None
    k8s_annotations: dict[str, str] | None = None
    k8s_pod_patch: str | None = None
    k8s_security: str | None = None
    k8s_start_timeout_s: float | None = Field(default=None, gt=0)
    k8s_ttl_s: int | None = Field(default=None, ge=0)
    k8s_max_workers: int | None = Field(default=None, ge=1)
    k8s_metrics_port: int | None = Field(default=None, ge=1024, le=65535)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, InitSettingsSource(settings_cls, _read_config())

    @property
    def home_folder(self) -> Path:
        """The folder of the embedded default, absolute."""
        return (self.home or _default_home()).expanduser().absolute()

    @property
    def catalog_url(self) -> str:
        """The SQLAlchemy URL of the catalog."""
        return self.catalog or f"sqlite:///{self.home_folder / 'catalog.db'}"

    @property
    def store_url(self) -> str:
        """The URL of the object store."""
        return self.store or (self.home_folder / "store").as_uri()

    @property
    def scratch_folder(self) -> Path:
        """Where workers put staged files: hidden from the user code of others."""
        return self.scratch or self.home_folder / "scratch"

    @property
    def secrets_folder(self) -> Path:
        """Where secrets lie on this machine."""
        return (self.secrets or self.home_folder / "secrets").expanduser().absolute()

    @property
    def masked_variables(self) -> tuple[str, ...]:
        """The variables of user code whose values logs do not show, besides those of specs."""
        return tuple((self.mask_variables or "").replace(",", " ").split())

    @property
    def cluster(self) -> dict[str, Any]:
        """What was said of the Kubernetes cluster, names without ``k8s_``."""
        said = {
            name.removeprefix("k8s_"): getattr(self, name)
            for name in type(self).model_fields
            if name.startswith("k8s_")
        }
        said["kubeconfig"] = said["kubeconfig"] or os.environ.get("KUBECONFIG")
        return {name: value for name, value in said.items() if value is not None}

    @property
    def hidden_paths(self) -> tuple[Path, ...]:
        """What user code must not see: whatever holds the store, the catalog or credentials."""
        found = [self.home_folder, self.scratch_folder, *_credential_files()]
        found.append(self.secrets_folder)
        store, catalog = urlsplit(self.store_url), urlsplit(self.catalog_url)
        if store.scheme in {"", "file"}:
            named = unquote(store.path) if store.scheme else self.store_url
            found.append(Path(named).absolute())
        if catalog.scheme.startswith("sqlite"):
            # The folder: beside the database are its journals, which come and go.
            found.append(Path(catalog.path.removeprefix("/")).absolute().parent)
        return tuple(dict.fromkeys(found))


def load_settings(**arguments: Any) -> Settings:
    """Return the settings; arguments that are None do not count.

    Raises:
        RefusedError: ``settings-illegal`` naming the setting, where it can be set, and what it
            takes.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    if "home" in given and not {"catalog", "store"} & given.keys():
        # A home given in code means that home, whatever the environment says of its parts.
        home = Path(given["home"]).expanduser().absolute()
        given |= {"catalog": f"sqlite:///{home / 'catalog.db'}", "store": (home / "store").as_uri()}
        given["home"] = home
    try:
        return Settings(**given)
    except SettingsError as error:
        # A table, such as labels, is JSON in a variable; the first line names the field.
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"a setting that is a table is JSON in the environment: {error}",
            setting="environment",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"setting {name!r} (PFS_{name.upper()}, or {name} in {CONFIG_NAME}): {first['msg']}",
            setting=name,
        ) from error


def store_options() -> dict[str, str]:
    """Return what the environment says to object store clients, names in lower case."""
    return {name.lower(): value for name, value in os.environ.items() if name in STORE_VARIABLES}


def store_secrets() -> tuple[str, ...]:
    """Return the values of this environment that open the store: nobody is to read them."""
    return tuple(os.environ[name] for name in sorted(SECRET_VARIABLES & os.environ.keys()))


def worker_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a worker: the store and its credentials, nothing of the catalog."""
    keep = {
        name: value
        for name, value in os.environ.items()
        if name in STORE_VARIABLES or name in WORKER_VARIABLES or name in CERTIFICATE_VARIABLES
    }
    return keep | {"PFS_STORE": settings.store_url, "PFS_CONFIG": os.devnull}


def engine_environment() -> dict[str, str]:
    """Return the environment of a docker or podman."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in ENGINE_VARIABLES or name.startswith(ENGINE_PREFIXES)
    }


def pod_credentials(options: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which a store's client on another machine has the same rights.

    Args:
        options: Stronger than the environment; names in lower case.
    """
    found = store_options() | dict(options)
    return {
        name.upper(): value
        for name, value in sorted(found.items())
        if name.upper() not in MACHINE_VARIABLES
    }


def secret_variables() -> dict[str, str]:
    """Return the variables of this environment that hold single keys of secrets."""
    return {name: text for name, text in os.environ.items() if name.startswith("PFS_SECRET_")}


def _credential_files() -> list[Path]:
    home = _user_folder()
    named = [os.environ.get(name) for name in CREDENTIAL_FILE_VARIABLES]
    places = [home / name for name in CREDENTIAL_FILES] + [Path(name) for name in named if name]
    return [place.absolute() for place in places if place.exists()]


def _default_home() -> Path:
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else _user_folder() / ".local" / "share") / "pfs"


def _user_folder() -> Path:
    """Return the user's home; ``/`` for a number without a name, as in many containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def _read_config() -> dict[str, Any]:
    named = os.environ.get("PFS_CONFIG")
    if named:
        places = [Path(named)]
    else:
        places = [
            Path(CONFIG_NAME),
            Path(os.environ.get("PFS_HOME") or _default_home()) / CONFIG_NAME,
        ]
    for place in places:
        try:
            return tomllib.loads(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if named:
                raise RefusedError(
                    ErrorCode.SETTINGS_ILLEGAL,
                    f"PFS_CONFIG names {named}, which does not exist",
                    setting="config",
                ) from None
        except (OSError, ValueError) as error:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL, f"{place} cannot be read: {error}", setting="config"
            ) from error
    return {}
