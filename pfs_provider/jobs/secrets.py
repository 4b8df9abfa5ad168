"""The secrets that a spec names, found where its workers start, and handed over to them.

Invariants: all that a spec names is there before a worker starts, or none does; values go from the
launcher to its workers by a pipe and are in no command line, environment, plan or message. Must not
know: where secrets lie.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.records import decode, encode
from pfs_provider.spec.model import PipelineSpec, Secret

__all__ = ["NO_SECRETS", "GivenSecrets", "SecretFinder", "find_given", "read_given"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN = ("/pfs", "/proc", "/dev", "/sys")
"""Where a mount would cover what user code gets there."""


class SecretFinder(Protocol):
    """Where secrets are, on this machine. Any thread may ask."""

    def find_text(self, name: str, key: str) -> str | None:
        """Return the value of a key as a variable holds it, None if it is not here."""

    def find_files(self, name: str, key: str = "") -> Mapping[str, bytes]:
        """Return the keys of a secret with their values, or one; empty if it is not here."""

    def describe_place(self, name: str, key: str = "") -> str:
        """Return how it can be put here, for messages."""


class GivenSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What the workers of one pipeline give to user code.

    ``env`` are variables; ``folders`` have their files' content by path and name.
    """

    env: dict[str, str] = {}
    folders: dict[str, dict[str, bytes]] = {}

    def __repr__(self) -> str:
        """Return the names alone."""
        return f"GivenSecrets({sorted(self.env)}, {sorted(self.folders)})"

    @property
    def values(self) -> tuple[str, ...]:
        """What nobody is to read."""
        found = [*self.env.values()]
        for files in self.folders.values():
            found += [data.decode(errors="surrogateescape") for data in files.values()]
        return tuple(found)

    def encode(self) -> bytes:
        """Return it as ``read_given`` takes it."""
        return encode(self)


NO_SECRETS = GivenSecrets()


def read_given(data: bytes) -> GivenSecrets:
    """Return what ``encode`` gave."""
    return decode(data, GivenSecrets, name="what the launcher has sent")


@dataclass(slots=True)
class _Gathering:
    finder: SecretFinder
    env: dict[str, str] = field(default_factory=dict)
    folders: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def add(self, secret: Secret, spot: str) -> None:
        if secret.env_var:
            if not _VARIABLE.fullmatch(secret.env_var):
                _refuse(f"{spot}.env_var", f"{secret.env_var!r} is no name of a variable here: "
                        "letters, digits and _, no digit first")  # fmt: skip
            value = self.finder.find_text(secret.name, secret.key)
            if value is None:
                raise self._missing(secret, f"{spot}.env_var")
            if "\0" in value:
                _refuse(f"{spot}.env_var", f"the key {secret.key!r} of the secret {secret.name!r} "
                        "has a NUL, which no variable can hold: use mount_path")  # fmt: skip
            self.env[secret.env_var] = value
        if secret.mount_path:
            _check_path(secret.mount_path, f"{spot}.mount_path")
            files = self.finder.find_files(secret.name, secret.key)
            if not files:
                raise self._missing(secret, f"{spot}.mount_path")
            self._mount(secret.mount_path.rstrip("/"), files, f"{spot}.mount_path")

    def _mount(self, path: str, files: Mapping[str, bytes], spot: str) -> None:
        for other in self.folders:
            if f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/"):
                _refuse(spot, f"{path!r} covers {other!r} of another secret: use two folders")
        self.folders[path] = dict(files)

    def _missing(self, secret: Secret, spot: str) -> RefusedError:
        key = f" with the key {secret.key!r}" if secret.key else ""
        return RefusedError(
            ErrorCode.SECRET_MISSING,
            f"{spot}: the secret {secret.name!r}{key} is not on this machine: "
            f"{self.finder.describe_place(secret.name, secret.key)}",
            field=spot,
            secret=secret.name,
            key=secret.key,
        )


def find_given(spec: PipelineSpec, finder: SecretFinder) -> GivenSecrets:
    """Return the secrets that a spec names, with their values.

    Raises:
        RefusedError: ``secret-missing``: one is not here; ``spec-illegal``: it cannot be given so
            here. Either names the field.
    """
    gathering = _Gathering(finder)
    for number, secret in enumerate(spec.transform.secrets):
        gathering.add(secret, f"transform.secrets[{number}]")
    return GivenSecrets(env=gathering.env, folders=gathering.folders)


def _check_path(path: str, spot: str) -> None:
    parts = path.strip("/").split("/")
    if not path.startswith("/") or {"", ".", ".."} & set(parts):
        _refuse(spot, f"{path!r} is no absolute path of a folder: write it as in '/secrets/db'")
    if any(f"{path}/".startswith(f"{own}/") for own in _OWN):
        _refuse(spot, f"{path!r} lies where user code has its own files: name another folder")
    if {",", ":"} & set(path):
        _refuse(spot, f"{path!r} has a comma or a colon, which engines take for more than a path")


def _refuse(spot: str, what: str) -> None:
    raise RefusedError(ErrorCode.SPEC_ILLEGAL, f"{spot}: {what}", field=spot)
