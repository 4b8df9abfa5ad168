"""A store that tells of every call before it is made, so that it can be noted, held or failed."""

from collections.abc import Callable, Iterable, Iterator

from pfs_provider.storage.stores.port import Data, ObjectInfo, ObjectStore, Traits

__all__ = ["WatchedStore"]

Watch = Callable[[str, str], None]
"""Gets verb and key, in the thread that calls; waits as long as it likes, and may raise."""


class WatchedStore:
    """An ObjectStore around another. It counts as a distant one, whose calls are worth a thread."""

    def __init__(self, store: ObjectStore, watch: Watch) -> None:
        self.store = store
        self.watch = watch

    @property
    def traits(self) -> Traits:
        inner = self.store.traits
        return Traits(name=inner.name, conditional_create=inner.conditional_create)

    def create(self, key: str, data: Data) -> bool:
        self.watch("create", key)
        return self.store.create(key, data)

    def replace(self, key: str, data: Data) -> None:
        self.watch("replace", key)
        self.store.replace(key, data)

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        self.watch("read", key)
        return self.store.read(key, start=start, stop=stop)

    def find(self, key: str) -> ObjectInfo | None:
        self.watch("find", key)
        return self.store.find(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.watch("list", prefix)
        yield from self.store.list(prefix)

    def delete(self, keys: Iterable[str]) -> None:
        known = tuple(keys)
        self.watch("delete", " ".join(known))
        self.store.delete(known)
