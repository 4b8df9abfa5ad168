"""The handle that every verb of this room takes: a catalog and a storage that belong together."""

from dataclasses import dataclass

from pfs_provider.catalog.database import Catalog
from pfs_provider.clock import Clock, IdSource
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.stat_cache import StatCache

__all__ = ["Versions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """A catalog and the storage that its commits point into."""

    catalog: Catalog
    storage: Storage
    clock: Clock
    ids: IdSource
    stats: StatCache | None = None
    """What is known of local folders that were put; None has every file read."""
