"""What every object store does: local folder, memory, a real S3, and one behind a quiet wrapper.

The crippled one overwrites what must only be created: it has to be found out when it is opened.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, UnavailableError
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.stores.open import check_store, open_store
from pfs_provider.storage.stores.port import ObjectStore
from pfs_provider.testing.stores import FaultyStore, OverwritingStore

PLACES = ["local", "memory", pytest.param("minio", marks=pytest.mark.minio), "wrapped"]


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    if request.param == "wrapped":
        yield FaultyStore(MemoryStore())
    else:
        place = request.getfixturevalue(f"{request.param}_store")
        yield open_store(place.url, options=place.options)


def test_what_is_created_is_read_back(store: ObjectStore) -> None:
    assert store.create("a/b/c", b"hello")

    assert store.read("a/b/c") == b"hello"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_may_be_stored(store: ObjectStore, kind: type) -> None:
    store.create("a", kind(b"hello"))

    assert store.read("a") == b"hello"


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.create("a/empty", b"")

    info = store.find("a/empty")
    assert info is not None
    assert info.size == 0
    assert store.read("a/empty") == b""


def test_create_does_not_overwrite(store: ObjectStore) -> None:
    store.create("a", b"first")

    assert not store.create("a", b"second")
    assert store.read("a") == b"first"


def test_create_lets_exactly_one_writer_win(store: ObjectStore) -> None:
    contents = [bytes([n]) * 10 for n in range(8)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        won = list(pool.map(lambda data: store.create("chunks/aa/x", data), contents))

    assert won.count(True) == 1
    assert store.read("chunks/aa/x") == contents[won.index(True)]


def test_replace_overwrites(store: ObjectStore) -> None:
    store.replace("a", b"first")
    store.replace("a", b"2")

    assert store.read("a") == b"2"


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (0, 4, b"0123"),
        (3, 5, b"34"),
        (8, 99, b"89"),
        (10, None, b""),
        (10, 12, b""),
        (99, 100, b""),
        (4, 4, b""),
    ],
)
def test_a_part_is_read(store: ObjectStore, start: int, stop: int | None, expected: bytes) -> None:
    store.create("a", b"0123456789")

    assert store.read("a", start=start, stop=stop) == expected


@pytest.mark.parametrize(
    "span", [{}, {"start": 1}, {"start": 1, "stop": 2}, {"start": 1, "stop": 1}]
)
def test_reading_what_is_not_there_says_so(store: ObjectStore, span: dict[str, int]) -> None:
    with pytest.raises(NotFoundError, match="a/nothing") as caught:
        store.read("a/nothing", **span)

    assert caught.value.code == ErrorCode.OBJECT_NOT_FOUND


def test_find_tells_size_and_time(store: ObjectStore) -> None:
    store.create("a/b", b"hello")

    info = store.find("a/b")

    assert info is not None
    assert (info.key, info.size) == ("a/b", 5)
    assert abs((datetime.now(UTC) - info.modified).total_seconds()) < 60


def test_find_gives_none_for_what_is_not_there_and_for_a_folder(store: ObjectStore) -> None:
    store.create("a/b", b"")

    assert store.find("a/c") is None
    assert store.find("a") is None


def test_list_gives_the_keys_that_begin_with_the_text_in_key_order(store: ObjectStore) -> None:
    keys = ["p/a/1", "p/a-b", "p/a/2/x", "p/b", "p/a", "q/a", "pp/a"]
    for key in keys:
        if key != "p/a":  # a local folder cannot hold both p/a and p/a/1
            store.create(key, b"x")

    assert [info.key for info in store.list("p/")] == ["p/a-b", "p/a/1", "p/a/2/x", "p/b"]
    assert [info.key for info in store.list("p/a")] == ["p/a-b", "p/a/1", "p/a/2/x"]
    assert [info.key for info in store.list("p/a/")] == ["p/a/1", "p/a/2/x"]
    assert [info.key for info in store.list("p/a/2/x")] == ["p/a/2/x"]
    assert list(store.list("nothing/")) == []


def test_list_tells_sizes(store: ObjectStore) -> None:
    store.create("a/b", b"hello")

    assert [info.size for info in store.list("a/")] == [5]


def test_delete_removes_and_passes_over_what_is_not_there(store: ObjectStore) -> None:
    for key in ("a/1", "a/2", "a/3"):
        store.create(key, b"x")

    store.delete(["a/1", "a/nothing", "a/3"])

    assert [info.key for info in store.list("a/")] == ["a/2"]
    assert store.create("a/1", b"again")


def test_delete_takes_more_keys_than_one_request_does(store: ObjectStore) -> None:
    store.create("a/1500", b"x")

    store.delete(f"a/{number}" for number in range(1600))

    assert list(store.list("a/")) == []


def test_a_large_object_comes_back_whole(store: ObjectStore) -> None:
    data = bytes(range(256)) * (17 << 12)

    store.create("packs/aa/x", data)

    assert store.read("packs/aa/x") == data
    assert store.read("packs/aa/x", start=1 << 20, stop=(1 << 20) + 5) == data[:5]


def test_opening_twice_finds_the_same_store_fit(store: ObjectStore) -> None:
    check_store(store)
    check_store(store)

    info = store.find("meta/format")
    assert info is not None


def test_a_store_that_overwrites_is_found_out() -> None:
    with pytest.raises(UnavailableError, match="conditional") as caught:
        check_store(OverwritingStore())

    assert caught.value.code == ErrorCode.STORE_UNFIT
