from pfs_provider.storage.stores.memory import MemoryStore


def test_tests_may_look_at_and_damage_what_is_stored() -> None:
    store = MemoryStore()
    store.create("a", b"x")
    store.objects["b"] = b"put there"

    assert store.objects == {"a": b"x", "b": b"put there"}
    assert [info.key for info in store.list("")] == ["a", "b"]


def test_what_is_stored_does_not_change_with_the_callers_buffer() -> None:
    store, data = MemoryStore(), bytearray(b"x")
    store.create("a", data)

    data[0] = 0

    assert store.read("a") == b"x"
