import pytest
from airflow.sdk import PartitionedAssetTimetable

from pfs_provider.airflow.assets import pfs_asset, pfs_commits
from pfs_provider.airflow.partitions import dispatch_dag, per_commit
from pfs_provider.errors import RefusedError


def test_a_dag_per_commit_is_scheduled_on_the_partitions_that_the_dispatcher_announces() -> None:
    schedule = per_commit("images", "v1", project="lab")

    (task,) = dispatch_dag("images", "v1", project="lab").tasks

    assert isinstance(schedule, PartitionedAssetTimetable)
    assert schedule.asset_condition == pfs_commits("images", "v1", project="lab")
    assert task.outlets == [schedule.asset_condition]
    assert task.inlets[0].uri == pfs_asset("images", "v1", project="lab").uri


def test_two_runs_of_the_dispatcher_never_overlap() -> None:
    made = dispatch_dag("images", tags=["mine"])

    assert made.max_active_runs == 1
    assert made.tags == {"mine"}
    assert made.dag_id == "pfs_dispatch_images_master"


def test_each_branch_has_a_dispatcher_of_its_own_name() -> None:
    names = [
        dispatch_dag("images").dag_id,
        dispatch_dag("images", "v1").dag_id,
        dispatch_dag("images", project="lab").dag_id,
        dispatch_dag("images", dag_id="mine").dag_id,
    ]

    assert len(set(names)) == 4


def test_a_name_that_cannot_exist_is_refused_when_the_file_is_parsed() -> None:
    with pytest.raises(RefusedError, match="no spaces"):
        per_commit("no spaces")
