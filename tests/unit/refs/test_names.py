import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.names import (
    BranchKey,
    PipelineKey,
    RepoKey,
    parse_branch_name,
    parse_pipeline_name,
    parse_project_name,
    parse_repo_key,
    parse_repo_name,
)


@pytest.mark.parametrize(
    "name", ["foo", "foo2", "5bar", "foo_bar", "foo-bar", "-x", "_", "a" * 200]
)
def test_repo_names_of_letters_digits_underscore_and_dash_are_legal(name: str) -> None:
    assert parse_repo_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "foo+", "foo.bar", "foo^3", "^^^^^", ">.<", "(*)", "bizz, buzz", "a b", "ä", "a/b", "a\n"],
)
def test_other_repo_names_are_refused_with_what_is_legal(name: str) -> None:
    with pytest.raises(RefusedError, match="use letters, digits") as caught:
        parse_repo_name(name)

    assert caught.value.code == ErrorCode.NAME_ILLEGAL


@pytest.mark.parametrize("parse", [parse_project_name, parse_pipeline_name])
def test_project_and_pipeline_names_begin_with_a_letter_or_digit(parse: object) -> None:
    assert callable(parse)
    with pytest.raises(RefusedError, match="begin with"):
        parse("-edges")


@pytest.mark.parametrize("parse", [parse_project_name, parse_pipeline_name])
def test_project_and_pipeline_names_have_at_most_51_characters(parse: object) -> None:
    assert callable(parse)
    assert parse("a" * 51) == "a" * 51
    with pytest.raises(RefusedError, match="52 characters, at most 51"):
        parse("a" * 52)


def test_a_branch_name_may_not_look_like_a_commit() -> None:
    with pytest.raises(RefusedError, match="mean a commit"):
        parse_branch_name("0" * 32)


def test_a_repo_key_has_the_default_project_unless_it_names_one() -> None:
    assert parse_repo_key("images") == RepoKey("default", "images")
    assert parse_repo_key("vision/images") == RepoKey("vision", "images")


@pytest.mark.parametrize("text", ["/images", "a/b/images", "vision/"])
def test_a_repo_key_has_at_most_one_project(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_repo_key(text)


def test_keys_read_as_people_write_them() -> None:
    images = RepoKey("default", "images")

    assert str(images) == "images"
    assert images.full == "default/images"
    assert str(BranchKey(RepoKey("vision", "images"), "master")) == "vision/images@master"
    assert BranchKey(images, "master").full == "default/images@master"
    assert str(PipelineKey("default", "edges")) == "edges"
    assert str(PipelineKey("vision", "edges")) == "vision/edges"


def test_a_pipeline_writes_to_the_repo_of_its_name() -> None:
    assert PipelineKey("vision", "edges").repo == RepoKey("vision", "edges")
