from blake3 import blake3

from pfs_provider.storage.digests import (
    FolderHasher,
    digest_bytes,
    digest_chunks,
    digest_index,
    digest_leaf,
    digest_pack,
)


def test_a_small_files_digest_is_plain_blake3() -> None:
    assert digest_bytes(b"hello") == blake3(b"hello").digest()


def test_every_domain_has_its_own_digests() -> None:
    digests = {
        digest_bytes(b""),
        digest_chunks(b"", b""),
        digest_index(1, []),
        digest_leaf(b"", b"", b"", b""),
        digest_pack(b"", b"", b""),
        FolderHasher().digest(),
    }

    assert len(digests) == 6


def test_a_packs_name_covers_where_its_blocks_end() -> None:
    assert digest_pack(b"d", b"s", b"ab") != digest_pack(b"d", b"sa", b"b")


def test_a_folders_digest_does_not_depend_on_how_its_rows_come() -> None:
    at_once, in_parts = FolderHasher(), FolderHasher()

    at_once.update(paths=b"a\0b\0", digests=b"12", executable=b"\0\1", size=3)
    in_parts.update(paths=b"a\0", digests=b"1", executable=b"\0", size=1)
    in_parts.update(paths=b"b\0", digests=b"2", executable=b"\1", size=2)

    assert at_once.digest() == in_parts.digest()
    assert (in_parts.n_files, in_parts.size) == (2, 3)
