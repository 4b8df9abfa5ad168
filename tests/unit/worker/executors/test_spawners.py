import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import FailedError
from pfs_provider.worker.executors.spawners import Spawners


def test_one_spawner_serves_until_it_dies() -> None:
    spawners = Spawners("plain", clock=SystemClock())
    first = spawners.get()

    assert spawners.get() is first

    first.close()
    second = spawners.get()
    assert second is not first
    assert second.greeting.kind == "plain"
    spawners.close()


def test_after_close_none_is_started() -> None:
    spawners = Spawners("plain", clock=SystemClock())

    spawners.close()
    spawners.close()

    with pytest.raises(FailedError, match="closed"):
        spawners.get()
