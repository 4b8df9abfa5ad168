import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.templates import parse_template


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$1", "a"),
        ("$2-$1", "b-a"),
        ("${1}1", "a1"),
        ("$$", "$"),
        ("$$1", "$1"),
        ("$0", "/a-b.csv"),
        ("$1x", "ax"),
        ("$3", ""),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_groups_stand_for_what_they_captured(text: str, expanded: str) -> None:
    template = parse_template(text, n_groups=3)

    assert template.expand("/a-b.csv", ("a", "b", "")) == expanded
    assert str(template) == text


@pytest.mark.parametrize(
    ("text", "n_groups", "why"),
    [
        ("$1", 0, "names group 1, but its glob has no group"),
        ("$3", 2, "names group 3, but its glob has 2"),
        ("$11", 1, "names group 11"),
        ("${2}", 1, "names group 2"),
        ("a$", 1, "at character 2"),
        ("$x", 1, "at character 1"),
        ("${x}", 1, "for a dollar, $$"),
    ],
)
def test_a_missing_group_or_stray_dollar_is_refused(text: str, n_groups: int, why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_template(text, n_groups=n_groups)

    assert why in str(caught.value)
    assert caught.value.code == ErrorCode.GLOB_ILLEGAL
