import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.refs.addresses import Address, parse_address, parse_branch, parse_uri
from pfs_provider.refs.ancestry import Back, FromStart
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, RepoKey
from pfs_provider.refs.paths import PfsPath

IMAGES = RepoKey("default", "images")
ID = CommitId("0123456789abcdef" * 2)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("images@master", Address(IMAGES, "master", None)),
        (f"images@{ID}", Address(IMAGES, None, ID)),
        (f"images@master={ID}", Address(IMAGES, "master", ID)),
        ("images@master^2", Address(IMAGES, "master", None, Back(2))),
        ("images@master.3:/a", Address(IMAGES, "master", None, FromStart(3), PfsPath("/a"))),
        ("images@master:a/b", Address(IMAGES, "master", None, path=PfsPath("/a/b"))),
        ("images@master:/a:b@c", Address(IMAGES, "master", None, path=PfsPath("/a:b@c"))),
        ("vision/images@v1:", Address(RepoKey("vision", "images"), "v1", None, path=PfsPath("/"))),
        ("pfs://images/master/a/b", Address(IMAGES, "master", None, path=PfsPath("/a/b"))),
        (f"pfs://images/{ID}", Address(IMAGES, None, ID, path=PfsPath("/"))),
        (
            "pfs://vision.images/v1/a",
            Address(RepoKey("vision", "images"), "v1", None, path=PfsPath("/a")),
        ),
    ],
)
def test_an_address_names_repo_revision_and_path(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("images", "write images@master"),
        ("images:/a", "write images@master"),
        ("", "write REPO@master"),
        ("images@", "nothing after '@'"),
        ("images@:/a", "nothing after '@'"),
        ("images@ma ster", "branch name"),
        ("images@master=xyz", "is not an id"),
        ("images@master^~", "do not mix"),
        ("images@master:/../a", "'..' is not allowed"),
        ("a/b/c@master", "project name"),
        ("pfs://images", "pfs://[project.]repo/branch/path"),
        ("pfs:///master/a", "pfs://[project.]repo/branch/path"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_address(text)

    assert way_out in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "images@master",
        "images@master^2",
        "images@master.3:/a",
        f"images@master={ID}:/a b",
        "vision/images@v1:/",
    ],
)
def test_an_address_reads_as_it_was_written(text: str) -> None:
    assert str(parse_address(text)) == text


def test_no_path_means_the_root_where_a_path_is_wanted() -> None:
    assert parse_address("images@master").path is None
    assert parse_address("images@master").file_path == "/"


def test_a_branch_is_read_without_anything_behind_it() -> None:
    assert parse_branch("images@master") == BranchKey(IMAGES, "master")


@pytest.mark.parametrize("text", ["images@master:/a", "images@master^", f"images@{ID}"])
def test_more_than_a_branch_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="more than a branch"):
        parse_branch(text)


def test_a_commit_alone_has_no_branch_key() -> None:
    with pytest.raises(RefusedError, match="write images@BRANCH"):
        _ = parse_address(f"images@{ID}").branch_key


def test_a_uri_needs_repo_and_revision() -> None:
    with pytest.raises(RefusedError):
        parse_uri("pfs://images/")
