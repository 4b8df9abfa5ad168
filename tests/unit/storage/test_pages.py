import random
from itertools import pairwise

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.formats import Kind, pack_record
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import page_key
from pfs_provider.storage.pages import (
    INDEX_MAX,
    LEAF_MAX,
    Index,
    cut_index,
    cut_leaves,
    put_index,
    put_leaf,
    read_page,
)
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.trees import make_entry

PATHS = [b"/folder/%06d" % n for n in range(50_000)]


def leaf(*names: str) -> Rows:
    return Rows.from_entries((f"/{name}", make_entry(name)) for name in names)


def test_leaves_hold_some_hundred_rows() -> None:
    ends = cut_leaves(PATHS, is_end=True)

    assert ends[-1] == len(PATHS)
    assert 300 < len(PATHS) / len(ends) < 900


def test_cutting_may_begin_at_any_end() -> None:
    ends = cut_leaves(PATHS, is_end=True)

    for at in random.Random(1).sample(ends[:-1], 20):
        rest = [at + end for end in cut_leaves(PATHS[at:], is_end=True)]
        assert rest == [end for end in ends if end > at]


def test_paths_without_a_natural_end_are_cut_by_force() -> None:
    wild = [
        path
        for path in (b"/%07d" % n for n in range(12_000))
        if cut_leaves([path], is_end=False) == []
    ]

    ends = cut_leaves(wild, is_end=False)

    assert ends == [LEAF_MAX, 2 * LEAF_MAX]
    assert cut_leaves(wild, is_end=True) == [*ends, len(wild)]
    assert cut_leaves(wild[:LEAF_MAX], is_end=False) == [LEAF_MAX]


def test_index_pages_of_every_level_end_by_their_own_hash() -> None:
    ends = [cut_index(level, PATHS, is_end=True) for level in (1, 2, 3)]

    for level_ends in ends:
        assert 64 < len(PATHS) / len(level_ends) < 200
        assert max(b - a for a, b in pairwise(level_ends)) <= INDEX_MAX
    assert len(set(ends[0]) & set(ends[1])) < 30


def test_a_leaf_comes_back_and_from_memory_the_second_time(
    storage: Storage, store: MemoryStore
) -> None:
    rows = leaf("a", "b")

    ref = put_leaf(storage, rows)

    assert (ref.last, ref.n_files, ref.size) == (b"/b", 2, 2)
    assert read_page(storage, ref.physical) == rows
    store.objects.clear()
    assert read_page(storage, ref.physical) == rows


def test_an_index_comes_back(storage: Storage) -> None:
    children = [put_leaf(storage, leaf(name)) for name in ("a", "b", "c")]

    ref = put_index(storage, 1, children)

    assert (ref.last, ref.n_files, ref.size) == (b"/c", 3, 3)
    assert read_page(storage, ref.physical) == Index(1, children, [b"/a", b"/b", b"/c"])


def test_identity_is_blind_to_places_and_objects_are_not(storage: Storage) -> None:
    one, other = (put_leaf(storage, leaf("a").with_datum(d)) for d in (None, b"d" * 16))

    assert one.logical == other.logical
    assert one.physical != other.physical
    assert put_index(storage, 1, [one]).logical == put_index(storage, 1, [other]).logical


@pytest.mark.parametrize("damage", ["missing", "flipped", "other"])
def test_a_damaged_page_is_refused(storage: Storage, store: MemoryStore, damage: str) -> None:
    ref = put_leaf(storage, leaf("a"))
    other = put_leaf(storage, leaf("b"))
    key = page_key(ref.physical)
    data = store.objects.pop(key)
    if damage == "flipped":
        store.objects[key] = data[:-1] + bytes([data[-1] ^ 1])
    elif damage == "other":
        store.objects[key] = store.objects[page_key(other.physical)]

    with pytest.raises(CorruptDataError, match=ref.physical.hex()) as caught:
        read_page(storage, ref.physical)

    assert caught.value.code == ErrorCode.PAGE_CORRUPT


def test_a_page_of_an_unknown_kind_is_refused(storage: Storage, store: MemoryStore) -> None:
    for data in (pack_record(Kind.INDEX, (1,)), pack_record(Kind.INDEX, ("a", 1, 2, 3)), b"PFS"):
        store.objects[page_key(digest_bytes(data))] = data
        with pytest.raises(CorruptDataError):
            read_page(storage, digest_bytes(data))
