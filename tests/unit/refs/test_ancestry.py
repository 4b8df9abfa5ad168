import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.ancestry import Ancestry, Back, FromStart, parse_ancestry


@pytest.mark.parametrize(
    ("text", "ancestry"),
    [
        ("foo", Back(0)),
        ("foo^", Back(1)),
        ("foo~", Back(1)),
        ("foo^^", Back(2)),
        ("foo~~~", Back(3)),
        ("foo^3", Back(3)),
        ("foo~3", Back(3)),
        ("foo^0", Back(0)),
        ("foo~0", Back(0)),
        ("foo.0", Back(0)),
        ("foo^-0", Back(0)),
        ("foo.2", FromStart(2)),
        ("foo^-2", Back(-2)),
        ("foo.-2", Back(2)),
    ],
)
def test_a_suffix_says_where_to_go(text: str, ancestry: Ancestry) -> None:
    assert parse_ancestry(text) == ("foo", ancestry)


@pytest.mark.parametrize(
    "text", ["foo^~", "foo^x", "foo.", "foo...", "foo^1^2", "foo^^2", "foo^+1"]
)
def test_a_mixed_or_unreadable_suffix_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="do not mix") as caught:
        parse_ancestry(text)

    assert caught.value.code == ErrorCode.ADDRESS_ILLEGAL


def test_a_commit_id_takes_a_suffix_too() -> None:
    assert parse_ancestry("0" * 32 + "^2") == ("0" * 32, Back(2))
