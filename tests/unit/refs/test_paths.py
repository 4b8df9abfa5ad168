import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.paths import join_path, parse_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "/"),
        ("/", "/"),
        ("a", "/a"),
        ("/a/", "/a"),
        ("//a//", "/a"),
        ("/a/b.c", "/a/b.c"),
        ("/ä *?[x] \n", "/ä *?[x] \n"),
        ("/...", "/..."),
    ],
)
def test_a_path_has_a_leading_slash_and_no_trailing_one(text: str, path: str) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["/a//b", "/./a", "/a/..", "..", "/a\0b", "/a\ud800"])
def test_a_path_that_no_file_can_have_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_path(text)

    assert caught.value.code == ErrorCode.PATH_ILLEGAL


def test_joining_stays_below_the_base() -> None:
    assert join_path("/a", "b/c") == "/a/b/c"
    assert join_path("/", "/b") == "/b"
    with pytest.raises(RefusedError):
        join_path("/a", "../b")
