from pfs_provider.storage import keys


def test_objects_of_every_kind_are_fanned_out_by_their_first_byte() -> None:
    name = bytes([0xAB]) + bytes(31)
    makers = (keys.pack_key, keys.chunk_key, keys.manifest_key, keys.page_key, keys.delta_key)

    made = [make(name) for make in makers]

    text = "ab" + "00" * 31
    rooms = ["packs", "chunks", "files", "pages", "deltas"]
    assert made == [f"{room}/ab/{text}" for room in rooms]
