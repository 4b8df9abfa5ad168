from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.storage.building import build_tree
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.trees import edits, file_paths, files, make_entry, without
from tests.unit.storage.test_handle import QuickClock


@given(content=files(), more=files(), changes=edits())
def test_files_of_any_draw_never_clash(
    content: dict[str, object], more: dict[str, object], changes: tuple[object, dict[str, object]]
) -> None:
    paths = {*content, *more, *changes[1]}
    entries = Rows.from_entries((path, make_entry("x")) for path in paths)

    with Storage(MemoryStore(), clock=QuickClock()) as storage:
        assert build_tree(storage, entries).n_files == len(paths)


@given(path=file_paths(), deletes=st.just(("/d",)))
def test_the_model_deletes_what_is_below(path: str, deletes: tuple[str, ...]) -> None:
    left = without({path: make_entry("")}, deletes)

    assert (path in left) == (not path.startswith("/d/"))
