import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.storage.digests import digest_leaf
from pfs_provider.storage.values import EMPTY_TREE, TreeRef, parse_tree_ref
from pfs_provider.testing.trees import make_entry


def test_a_tree_ref_survives_its_text() -> None:
    tree = TreeRef(logical=b"l" * 32, physical=b"p" * 32, n_files=3, size=2**40)

    assert parse_tree_ref(tree.text) == tree


def test_the_empty_tree_has_the_identity_of_a_page_without_rows() -> None:
    assert EMPTY_TREE.logical == digest_leaf(b"", b"", b"", b"")


@pytest.mark.parametrize(
    "text",
    ["", "t1", "t2.00.00.1.1", f"t1.{'0' * 64}.{'0' * 62}.1.1", f"t1.{'0' * 64}.{'0' * 64}.x.1"],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_tree_ref(text)

    assert caught.value.code == ErrorCode.ID_ILLEGAL


def test_content_is_bytes_and_executable_bit() -> None:
    plain = make_entry("x")

    assert plain.is_same_content(make_entry("x", datum=b"d" * 16))
    assert not plain.is_same_content(make_entry("y"))
    assert not plain.is_same_content(make_entry("x", executable=True))
