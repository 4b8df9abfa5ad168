import pytest
from airflow.sdk import Asset

from pfs_provider.airflow.assets import create_asset, pfs_asset, pfs_commits
from pfs_provider.errors import RefusedError


@pytest.mark.parametrize(
    ("asset", "uri"),
    [
        (pfs_asset("images"), "pfs://images/master"),
        (pfs_asset("images", "v1"), "pfs://images/v1"),
        (pfs_asset("images", project="lab"), "pfs://lab.images/master"),
        (pfs_asset("Images_2"), "pfs://Images_2/master"),
    ],
    ids=["default", "branch", "project", "case"],
)
def test_a_branch_has_one_uri_which_is_also_its_name(asset: Asset, uri: str) -> None:
    assert asset.uri == uri
    assert asset.name == uri


def test_the_commits_of_a_branch_are_an_asset_of_their_own_that_nobody_watches() -> None:
    asset = pfs_commits("images", "v1", project="lab")

    assert asset.uri == asset.name == "pfs://lab.images/v1?each=commit"
    assert asset.watchers == []


def test_an_asset_watches_its_branch_through_a_trigger_of_its_own() -> None:
    kwargs = [
        asset.watchers[0].trigger.serialize()[1]
        for asset in (pfs_asset("a"), pfs_asset("b"), pfs_asset("a", "v1"), pfs_asset("a"))
    ]

    assert kwargs[0] == kwargs[3]
    assert len({str(each) for each in kwargs}) == 3


@pytest.mark.parametrize("repo", ["", "a b", "images@master", "s3://x"])
def test_an_illegal_repo_is_refused_where_the_dag_is_written(repo: str) -> None:
    with pytest.raises(RefusedError):
        pfs_asset(repo)


@pytest.mark.parametrize(
    "uri", ["pfs://images", "pfs:///x", "pfs://im ages/master", "pfs://a/b?c=d"]
)
def test_airflow_refuses_an_asset_whose_uri_names_no_branch(uri: str) -> None:
    with pytest.raises(ValueError, match=r"pfs|illegal"):
        Asset(name="x", uri=uri)


def test_an_asset_of_lineage_may_name_a_file() -> None:
    assert create_asset(uri="pfs://images/master/a.png").uri == "pfs://images/master/a.png"
