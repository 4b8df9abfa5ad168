"""Secrets on this machine: a folder for each, a file for each key, as Kubernetes mounts them.

Invariants: folders are only their owner's to enter, files only his to read; one that is made is
there whole or not at all; no value is in a message. Must not know: who asks.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.infos import SecretInfo

__all__ = ["Secrets", "check_secret_name", "secret_variable"]

_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
_KEY = re.compile(r"[-._A-Za-z0-9]+")
_MAX_NAME = 253
_UNFINISHED = ".new-"
_OWNERS_FOLDER, _OWNERS_FILE = 0o700, 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets of this machine. Any thread may call.

    Args:
        folder: Where they lie; it may be missing.
        variables: Values of single keys, by the names that ``secret_variable`` gives; stronger.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def find_text(self, name: str, key: str) -> str | None:
        """Return the value of a key as text, None if it is not here.

        The newline at a file's end is none of it.

        Raises:
            RefusedError: ``settings-illegal``: the file cannot be read, or is no text.
        """
        value = self.variables.get(secret_variable(name, key))
        if value is not None:
            return value
        data = self._read(name, key)
        if data is None:
            return None
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self._cannot(name, key, f"it is no text ({error.reason}): give it with mount_path")
        return text.removesuffix("\n").removesuffix("\r")

    def find_files(self, name: str, key: str = "") -> dict[str, bytes]:
        """Return the keys of a secret with their values, or one of them; empty if it is not here.

        Raises:
            RefusedError: ``settings-illegal``: a file cannot be read.
        """
        found: dict[str, bytes] = {}
        for each in [key] if key else self._keys(name):
            data = self._read(name, each)
            if data is not None:
                found[each] = data
        if key and (value := self.variables.get(secret_variable(name, key))) is not None:
            found[key] = value.encode(errors="surrogateescape")
        return found

    def describe_place(self, name: str, key: str = "") -> str:
        """Return how a secret can be put here, for messages."""
        more = f", or set {secret_variable(name, key)}" if key else ""
        return (
            f"put it there with `pfs create secret`, as the file {name}/{key or 'KEY'} below "
            f"PFS_SECRETS ({self.folder}){more}"
        )

    def create(self, name: str, values: Mapping[str, bytes]) -> SecretInfo:
        """Put a secret here.

        Raises:
            RefusedError: ``secret-illegal``: a name or key as no secret has it, or no key;
                ``settings-illegal``: the folder cannot be written to.
            ConflictError: ``secret-exists``.
        """
        check_secret_name(name)
        for key in values:
            if not _KEY.fullmatch(key) or key.startswith("..") or key == ".":
                raise RefusedError(
                    ErrorCode.SECRET_ILLEGAL,
                    f"the secret {name!r} has the key {key!r}: use letters, digits, '-', '_', '.'",
                    secret=name,
                    key=key,
                )
        if not values:
            raise RefusedError(
                ErrorCode.SECRET_ILLEGAL,
                f"the secret {name!r} has no key: write some below data or stringData",
                secret=name,
            )
        try:
            self._write(name, values)
        except OSError as error:
            if (self.folder / name).is_dir():
                raise ConflictError(
                    ErrorCode.SECRET_EXISTS,
                    f"there is a secret {name!r} already: `pfs delete secret {name}` first",
                    secret=name,
                ) from None
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"PFS_SECRETS: the secret {name!r} cannot be put into {self.folder}: "
                f"{error.strerror}",
                setting="secrets",
            ) from error
        return self.get(name)

    def list_all(self) -> list[SecretInfo]:
        """Return all secrets by name, without values."""
        try:
            names = sorted(path.name for path in self.folder.iterdir() if path.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [self.get(name) for name in names if not name.startswith(".")]

    def get(self, name: str) -> SecretInfo:
        """Return a secret without its values.

        Raises:
            NotFoundError: ``secret-not-found``.
        """
        try:
            changed = self._place(name).stat().st_mtime
        except (OSError, ValueError):
            raise _not_found(name) from None
        keys = tuple(self._keys(name))
        return SecretInfo(name=name, keys=keys, created=datetime.fromtimestamp(changed, UTC))

    def delete(self, name: str) -> None:
        """Remove a secret.

        Raises:
            NotFoundError: ``secret-not-found``.
        """
        self.get(name)
        away = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        self._place(name).rename(away / name)  # gone whole, whatever happens to the rest
        shutil.rmtree(away)

    def _write(self, name: str, values: Mapping[str, bytes]) -> None:
        self.folder.mkdir(mode=_OWNERS_FOLDER, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            for key, value in values.items():
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                with os.fdopen(os.open(made / key, flags, _OWNERS_FILE), "wb") as file:
                    file.write(value)
            made.rename(self.folder / name)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise

    def _place(self, name: str) -> Path:
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            raise ValueError(name)
        return self.folder / name

    def _keys(self, name: str) -> list[str]:
        with suppress(OSError, ValueError):
            # What begins with two dots is how Kubernetes changes a mounted secret at once.
            found = (p for p in self._place(name).iterdir() if not p.name.startswith(".."))
            return sorted(path.name for path in found if path.is_file())
        return []

    def _read(self, name: str, key: str) -> bytes | None:
        if key in {"", ".", ".."} or "/" in key or "\0" in key:
            return None
        try:
            return (self._place(name) / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError as error:
            self._cannot(name, key, error.strerror)

    def _cannot(self, name: str, key: str, why: str | None) -> NoReturn:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"the secret {name}/{key} in {self.folder} cannot be read: {why}",
            setting="secrets",
        )


def secret_variable(name: str, key: str) -> str:
    """Return the variable that may hold a secret's key."""
    return "PFS_SECRET_" + re.sub(r"[^A-Z0-9]", "_", f"{name}_{key}".upper())


def check_secret_name(name: str) -> None:
    """Refuse what Kubernetes would not take as a secret's name, so that a spec runs there too.

    Raises:
        RefusedError: ``secret-illegal``.
    """
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise RefusedError(
            ErrorCode.SECRET_ILLEGAL,
            f"{name!r} is no name of a secret: use lower-case letters, digits, '-' and '.', "
            "with a letter or digit at both ends",
            secret=name,
        )


def _not_found(name: str) -> NotFoundError:
    return NotFoundError(
        ErrorCode.SECRET_NOT_FOUND,
        f"there is no secret {name!r} here: `pfs list secret` shows those that are",
        secret=name,
    )
