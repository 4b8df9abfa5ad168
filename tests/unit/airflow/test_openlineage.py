import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pfs_provider.airflow.assets import pfs_asset, pfs_commits
from pfs_provider.airflow.openlineage import convert_asset
from pfs_provider.airflow.operators.commit import PfsCommitOperator
from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.specs import spec

pytest.importorskip(
    "airflow.providers.openlineage", reason="Airflow's OpenLineage is not installed: make setup"
)


def _version(dataset: Any) -> tuple[str, str, str]:
    return dataset.namespace, dataset.name, dataset.facets["version"].datasetVersion


def test_a_pipeline_s_commits_are_versions_of_its_branches(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(spec("copy", "images"))
        commits = [pfs.put_file(f"images@master:/{name}", b"x").id for name in "ab"]
    task = PfsPipelineOperator(task_id="copy", pipeline="copy")
    assert task.get_openlineage_facets_on_start().inputs == []
    task.execute(task_context())

    told = task.get_openlineage_facets_on_complete(None)

    assert [_version(one) for one in told.inputs] == [
        ("pfs://pfs", "default/images/master", commits[1])
    ]
    assert [_version(one) for one in told.outputs] == [
        ("pfs://pfs", "default/copy/master", commits[1])
    ]
    assert told.outputs[0].outputFacets["outputStatistics"].size == 2
    jobs = told.run_facets["pfs_jobs"].jobs
    assert [(job["id"], job["state"], job["total"], job["version"]) for job in jobs] == [
        (commits[0], "success", 1, 1),
        (commits[1], "success", 2, 1),
    ]


def test_a_pipeline_that_failed_tells_its_inputs_and_why(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(spec("bad", "images", transform={"cmd": ["false"]}, datum_tries=1))
        commit = pfs.put_file("images@master:/a", b"x").id
    task = PfsPipelineOperator(task_id="bad", pipeline="bad")
    with pytest.raises(AirflowFailException):
        task.execute(task_context())

    told = task.get_openlineage_facets_on_failure(None)

    assert [_version(one)[2] for one in told.inputs] == [commit]
    assert told.outputs == []
    assert told.run_facets["pfs_jobs"].jobs[0]["state"] == "failure"


def test_a_commit_has_its_provenance_as_inputs(
    pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__PFS__OPENLINEAGE_NAMESPACE", "pfs://catalog.example.org")
    with Pfs(home=pfs_home) as pfs:
        for repo in ("features", "model"):
            pfs.create_repo(repo)
        pfs.put_file("features@master:/x", b"1")
    task = PfsCommitOperator(
        task_id="train",
        branch="model@master",
        write=lambda commit: commit.put_file("/weights", b"0.5"),
        provenance=["features@master"],
    )
    task.execute(task_context())

    told = task.get_openlineage_facets_on_complete(None)

    assert [one.name for one in told.inputs] == ["default/features/master"]
    assert [one.name for one in told.outputs] == ["default/model/master"]
    assert {one.namespace for one in told.outputs} == {"pfs://catalog.example.org"}


def test_a_task_that_did_nothing_tells_nothing() -> None:
    told = PfsPipelineOperator(task_id="t", pipeline="p").get_openlineage_facets_on_complete(None)

    assert (told.inputs, told.outputs, told.run_facets) == ([], [], {})


def test_an_asset_is_the_dataset_of_its_branch() -> None:
    for asset in (
        pfs_asset("images", "v1", project="lab"),
        pfs_commits("images", "v1", project="lab"),
    ):
        dataset = convert_asset(asset, None)

        assert (dataset.namespace, dataset.name) == ("pfs://pfs", "lab/images/v1")


def test_without_the_provider_nothing_of_it_is_imported() -> None:
    program = (
        "import sys\n"
        "from pfs_provider.airflow import PfsPipelineOperator\n"
        "print([name for name in sys.modules if name.startswith('openlineage')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
