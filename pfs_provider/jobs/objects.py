"""A job's objects in the store, with answers that are sure.

Invariants: what did not work is repeated; what is not known is read back, so that nobody above has
to tell "refused" from "unknown". Rests on this: no two calls create one key with equal bytes unless
they mean the same, for claims, plans and results hold an id that nobody else has.
Must not know: what the objects hold, SQL.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, NotFoundError, PfsError
from pfs_provider.storage.stores.port import Data, ObjectInfo, ObjectStore, Traits

__all__ = ["JobObjects"]

ATTEMPTS = 5
FIRST_PAUSE_S = 0.05
MAX_PAUSE_S = 2.0
REPEATABLE = frozenset({ErrorCode.WRITE_UNKNOWN, ErrorCode.STORE_UNAVAILABLE})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class JobObjects:
    """An ObjectStore around another.

    Args:
        store: Where the objects lie.
        clock: Waits between repeats.
        patience_s: Seconds that trouble may last at least; 0 leaves it to ``ATTEMPTS``.
    """

    store: ObjectStore
    clock: Clock
    patience_s: float = 0.0

    @property
    def traits(self) -> Traits:
        """What the store can and is."""
        return self.store.traits

    def create(self, key: str, data: Data) -> bool:
        """Store an object if there is none of that name; return whether it now holds these bytes.

        True also where an earlier call with the same bytes made it: a lost answer does no harm.
        """
        return self._sure(self.store.create, key, data) or self.read(key) == bytes(data)

    def replace(self, key: str, data: Data) -> None:
        """Store an object over whatever is there."""
        self._sure(self.store.replace, key, data)

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object. Raises NotFoundError ``object-not-found``."""
        return bytes(self._sure(self.store.read, key, start=start, stop=stop))

    def find(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if there is none."""
        return self._sure(self.store.find, key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the text, sorted by key; all read at once."""
        return iter(self._sure(lambda: tuple(self.store.list(prefix))))

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""
        self._sure(self.store.delete, tuple(keys))

    def read_if_there(self, key: str) -> bytes | None:
        """Return an object's bytes, None if there is none."""
        try:
            return self.read(key)
        except NotFoundError:
            return None

    def _sure(self, verb: Callable[..., _T], *args: object, **options: object) -> _T:
        until = self.clock.monotonic() + self.patience_s
        few = stop_after_attempt(ATTEMPTS)
        repeat = Retrying(
            stop=lambda state: few(state) and self.clock.monotonic() >= until,
            wait=wait_exponential(multiplier=FIRST_PAUSE_S, max=MAX_PAUSE_S),
            retry=retry_if_exception(_is_repeatable),
            sleep=self.clock.sleep,
            reraise=True,
        )
        value: _T = repeat(verb, *args, **options)
        return value


def _is_repeatable(error: BaseException) -> bool:
    return isinstance(error, PfsError) and error.code in REPEATABLE
