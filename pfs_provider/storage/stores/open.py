"""Opens a store by its URL and makes sure that it can do what the engine rests on.

Invariant: messages show the URL without secrets. Must not know: settings, the environment.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from pfs_provider.errors import (
    ErrorCode,
    PfsError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from pfs_provider.storage.stores.client import ObstoreClient
from pfs_provider.storage.stores.faults import CLIENT_ERRORS, read_error
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.stores.port import ObjectStore, Traits

if TYPE_CHECKING:
    from obstore.store import ClientConfig

__all__ = ["STORE_FORMS", "check_store", "open_store", "open_target"]

STORE_FORMS = (
    "an absolute path, file:///path, memory://, "
    "s3://bucket/prefix?endpoint=http://host&region=name, gs://bucket/prefix, az://container/prefix"
)

_MARKER = "meta/format"
_FORMAT = b'{"pfs_store":1}\n'
_RETRIES = 5
_RETRY_S = 60
_REQUEST_S = 60
_CONNECT_S = 5
_SERVER = re.compile(r"https?://[^/\s]+")
_OPTION_AFFIXES = re.compile(r"^(aws_|azure_storage_|azure_|google_)?(default_)?|_url$")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")


def open_store(
    url: str, *, options: Mapping[str, str] | None = None, patience_s: float | None = None
) -> ObjectStore:
    """Return the store that a URL names, ready to use.

    Args:
        url: One of `STORE_FORMS`. ``?sync=true`` on a local folder forces objects to disk.
        options: Credentials and more, as obstore names them (``aws_access_key_id``, …).
        patience_s: How long a store may be silent before it is given up, about; for opening it
            only. None for as long as any request, some minutes at the worst.

    Raises:
        RefusedError: ``store-url-illegal``: no such form or option.
        UnavailableError: ``store-unavailable``, ``store-read-only``, ``store-full``, or
            ``store-unfit`` where the store does not decide a conditional create.
    """
    found = dict(options or {})
    store = _build(url, found)
    check_store(store if patience_s is None else _build(url, found, patience_s))
    return store


def open_target(url: str, *, options: Mapping[str, str] | None = None) -> ObstoreClient:
    """Return a folder or bucket of somebody else's, to be written to; nothing is asked there yet.

    Args:
        url: One of `STORE_FORMS`, but not memory. What its query says is stronger than the options.
        options: As for ``open_store``.

    Raises:
        RefusedError: ``store-url-illegal``: no such form or option.
    """
    said = {_meaning(name) for name, _ in parse_qsl(urlsplit(url).query)}
    rest = {name: text for name, text in (options or {}).items() if _meaning(name) not in said}
    target = _build(url, rest)
    if not isinstance(target, ObstoreClient):
        raise _refused(url, "it would be gone with this process")
    return target


def check_store(store: ObjectStore) -> None:
    """Make sure that a conditional create does not overwrite, and mark the store's format.

    A store that holds the marker may be read-only or full: reading from it must go on working.

    Raises:
        UnavailableError: ``store-unfit``: it overwrites, or holds a newer format.
    """
    try:
        created = store.create(_MARKER, _FORMAT)
    except PfsError as error:
        codes = {ErrorCode.STORE_READ_ONLY, ErrorCode.STORE_FULL, ErrorCode.WRITE_UNKNOWN}
        if error.code not in codes or not _is_marked(store):
            raise _plain(error, store) from error
        return
    if created and store.create(_MARKER, _FORMAT):
        raise UnavailableError(
            ErrorCode.STORE_UNFIT,
            f"{store.traits.name} overwrites an object that must only be created: it lacks "
            "conditional writes (If-None-Match); use a store that has them",
            store=store.traits.name,
        )
    if not created and store.read(_MARKER) != _FORMAT:
        raise UnavailableError(
            ErrorCode.STORE_UNFIT,
            f"{store.traits.name} is marked with a format that this version does not know: "
            "install a newer version",
            store=store.traits.name,
        )


def _meaning(option: str) -> str:
    """Return what an option is about: clients take some by several names."""
    return _OPTION_AFFIXES.sub("", option.lower())


def _is_marked(store: ObjectStore) -> bool:
    try:
        return store.find(_MARKER) is not None
    except PfsError:
        return False


def _plain(error: PfsError, store: ObjectStore) -> PfsError:
    # Nothing of value was written yet, so an unknown outcome is just a store that does not answer.
    if not isinstance(error, UnknownOutcomeError):
        return error
    cause = str(error.__cause__).partition("\n")[0][:300]
    asked = _SERVER.search(cause)
    where = f" at {asked[0]}" if asked else ""
    return UnavailableError(
        ErrorCode.STORE_UNAVAILABLE,
        f"{store.traits.name} does not answer{where} ({cause}): check that it runs and the URL is "
        "right",
        store=store.traits.name,
    )


def _build(url: str, options: dict[str, str], patience_s: float | None = None) -> ObjectStore:
    if url.startswith("/"):
        return _open_folder(Path(url), url, sync=False)
    if _SCHEME.match(url) is None:
        raise _refused(url, "it has no scheme and is no absolute path")
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    match parts.scheme:
        case "file":
            return _open_file(url, parts.netloc, unquote(parts.path), query)
        case "memory":
            return MemoryStore()
        case "s3" | "gs" | "az":
            name = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
            if not parts.hostname or "@" in parts.netloc:
                why = "put credentials into options" if parts.hostname else "it names no bucket"
                raise _refused(name, why)
            config = {**query, **options}
            backend = _open_cloud(parts, config, name, patience_s)
            return ObstoreClient(backend, traits=Traits(name=name))
        case scheme:
            raise _refused(url.partition("?")[0], f"the scheme {scheme!r} is not known")


def _open_file(url: str, host: str, path: str, query: dict[str, str]) -> ObjectStore:
    if host not in {"", "localhost"} or not path.startswith("/"):
        raise _refused(url, "write file:///absolute/path")
    unknown = set(query) - {"sync"}
    if unknown:
        raise _refused(url, f"a local folder has no option {min(unknown)!r}")
    return _open_folder(Path(path), url, sync=query.get("sync", "") in {"1", "true", "yes"})


def _open_folder(path: Path, url: str, *, sync: bool) -> ObjectStore:
    name = str(path)
    try:
        backend = LocalStore(path, mkdir=True)
    except CLIENT_ERRORS as error:
        mapped = read_error(error, name=name, key="")
        if isinstance(mapped, UnavailableError):
            raise mapped from error
        raise _refused(url, "the folder cannot be made") from error
    return ObstoreClient(backend, traits=Traits(name=name, folder=path, is_near=True), sync=sync)


def _open_cloud(
    url: SplitResult, config: dict[str, str], name: str, patience_s: float | None
) -> S3Store | GCSStore | AzureStore:
    # Opening asks twice at the worst, and what has begun is not cut off by the time to retry.
    request_s = _REQUEST_S if patience_s is None else patience_s / 2
    retry_s = _RETRY_S if patience_s is None else patience_s / 4
    client: ClientConfig = {"timeout": f"{request_s}s", "connect_timeout": f"{_CONNECT_S}s"}
    endpoints = [text for option, text in config.items() if _meaning(option) == "endpoint"]
    if any(text.startswith("http://") for text in endpoints):
        client["allow_http"] = True
    settings: dict[str, Any] = {
        "prefix": url.path.strip("/") or None,
        "config": config,
        "client_options": client,
        "retry_config": {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=retry_s)},
    }
    try:
        match url.scheme:
            case "s3":
                return S3Store(url.netloc, **settings)
            case "gs":
                return GCSStore(url.netloc, **settings)
            case _:
                return AzureStore(url.netloc, **settings)
    except CLIENT_ERRORS as error:
        if "No CA certificates" in str(error):
            raise UnavailableError(
                ErrorCode.STORE_UNAVAILABLE,
                f"{name} cannot be asked: there are no CA certificates here; install "
                "ca-certificates, in an image too, or name a file of them in SSL_CERT_FILE",
                store=name,
            ) from error
        why = str(error).strip().partition("\n")[0][:200]
        raise _refused(name, why) from error


def _refused(url: str, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.STORE_URL_ILLEGAL,
        f"store URL {url!r} is illegal: {why}. Known forms: {STORE_FORMS}",
        url=url,
    )
