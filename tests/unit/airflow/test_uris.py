import pytest

from pfs_provider.airflow.uris import asset_branch, asset_uri, commits_uri
from pfs_provider.errors import RefusedError
from pfs_provider.refs.addresses import parse_branch


@pytest.mark.parametrize("text", ["images@master", "p/images@v1"])
def test_uri_and_branch_are_two_ways_to_say_the_same(text: str) -> None:
    key = parse_branch(text)

    assert asset_branch(asset_uri(key)) == key
    assert asset_branch(commits_uri(key)) == key


def test_a_commit_is_no_branch() -> None:
    with pytest.raises(RefusedError, match="names a commit"):
        asset_branch(f"pfs://images/{'a' * 32}")
