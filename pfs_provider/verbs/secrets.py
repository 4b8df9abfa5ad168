"""Verbs over the secrets of this machine, which specs name and workers on it give to user code.

They are no part of a transaction and not in the catalog. Must not know: how they lie.
"""

from contextlib import suppress

from pfs_provider.errors import NotFoundError
from pfs_provider.infos import SecretInfo
from pfs_provider.spec.secret_document import read_secrets
from pfs_provider.verbs.saving import SpecSource
from pfs_provider.verbs.session import Session

__all__ = ["SecretVerbs"]


class SecretVerbs(Session):
    """Secrets of this machine."""

    def create_secret(self, source: SpecSource) -> list[SecretInfo]:
        """Put secrets on this machine, all of them or none.

        Args:
            source: A Kubernetes Secret, as JSON or YAML, or several.

        Raises:
            RefusedError: ``secret-illegal``: it is no Secret, or a name or key is none.
            ConflictError: ``secret-exists``.
            NotFoundError: ``source-not-found``.
        """
        secrets = self._engine.secrets
        made: list[SecretInfo] = []
        try:
            for document in read_secrets(source):
                made.append(secrets.create(document.name, document.values))  # noqa: PERF401 undone
        except BaseException:
            for info in made:
                with suppress(NotFoundError):
                    secrets.delete(info.name)
            raise
        return made

    def list_secrets(self) -> list[SecretInfo]:
        """Return the secrets of this machine by name, without their values."""
        return self._engine.secrets.list_all()

    def inspect_secret(self, name: str) -> SecretInfo:
        """Return a secret without its values. Raises NotFoundError ``secret-not-found``."""
        return self._engine.secrets.get(name)

    def delete_secret(self, name: str) -> None:
        """Remove a secret. Raises NotFoundError ``secret-not-found``."""
        self._engine.secrets.delete(name)
