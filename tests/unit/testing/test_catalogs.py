from pathlib import Path

import pytest

from pfs_provider.catalog import repos
from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import UnavailableError, UnknownOutcomeError
from pfs_provider.refs.names import parse_repo_key
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.catalogs import FaultyCatalog, Mishap
from pfs_provider.testing.stores import Fault, FaultyStore, KilledError

BEGIN, COMMIT = 0, 1


def catalog_at(folder: Path, mishap: Mishap | None = None) -> FaultyCatalog:
    url = f"sqlite:///{folder / 'catalog.db'}"
    return FaultyCatalog(url, clock=SystemClock(), ids=RandomIds(), mishap=mishap or Mishap())


def make_repo(catalog: FaultyCatalog) -> None:
    with catalog.write() as tx:
        repos.create_repo(tx, parse_repo_key("images"))


def has_repo(folder: Path) -> bool:
    catalog = catalog_at(folder)
    with catalog.read() as tx:
        found = repos.find_repo(tx, parse_repo_key("images"))
    catalog.close()
    return found is not None


@pytest.mark.parametrize(
    ("at", "fault", "raised", "is_done"),
    [
        pytest.param(BEGIN, Fault.KILLED_BEFORE, KilledError, False, id="killed before it"),
        pytest.param(COMMIT, Fault.KILLED_BEFORE, KilledError, False, id="killed in it"),
        pytest.param(COMMIT, Fault.KILLED_AFTER, KilledError, True, id="killed after its commit"),
        pytest.param(BEGIN, Fault.REFUSED, UnavailableError, False, id="refused"),
        # These faults strike writes only, and there the commit is the first call.
        pytest.param(BEGIN, Fault.LOST_ANSWER, UnknownOutcomeError, True, id="answer lost"),
        pytest.param(BEGIN, Fault.LOST_REQUEST, UnknownOutcomeError, False, id="request lost"),
    ],
)
def test_a_transaction_goes_wrong_as_planned(
    tmp_path: Path, at: int, fault: Fault, raised: type[BaseException], is_done: bool
) -> None:
    mishap = Mishap(at, fault)
    catalog = catalog_at(tmp_path, mishap)

    with pytest.raises(raised):
        make_repo(catalog)

    catalog.close()
    assert mishap.has_struck
    assert has_repo(tmp_path) is is_done


def test_a_dead_process_reaches_neither_catalog_nor_store(tmp_path: Path) -> None:
    mishap = Mishap(COMMIT, Fault.KILLED_AFTER)
    catalog, store = catalog_at(tmp_path, mishap), FaultyStore(MemoryStore(), mishap.plan)
    with pytest.raises(KilledError):
        make_repo(catalog)

    with pytest.raises(KilledError):
        store.create("a", b"1")
    with pytest.raises(KilledError), catalog.read():
        pass

    catalog.close()
    assert not store.store.objects  # type: ignore[attr-defined]  # a MemoryStore


def test_without_a_fault_calls_to_both_are_counted_in_order(tmp_path: Path) -> None:
    mishap = Mishap()
    catalog, store = catalog_at(tmp_path, mishap), FaultyStore(MemoryStore(), mishap.plan)

    make_repo(catalog)
    store.create("a", b"1")
    with catalog.read():
        pass

    catalog.close()
    assert mishap.calls == ["begin", "commit", "create a", "read rows"]
    assert not mishap.has_struck
