import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.ids import is_id, parse_id


def test_32_hex_digits_are_an_id() -> None:
    assert parse_id("0123456789abcdef" * 2) == "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "text", ["", "master", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(RefusedError) as caught:
        parse_id(text)

    assert caught.value.code == ErrorCode.ID_ILLEGAL
