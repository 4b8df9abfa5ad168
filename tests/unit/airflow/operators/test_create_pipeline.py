import json
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.airflow.operators.create_pipeline import PfsCreatePipelineOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.test_checks import copy_spec


def _version(home: Path) -> int:
    with Pfs(home=home) as pfs:
        return pfs.inspect_pipeline("copy").version


def test_a_pipeline_and_its_repos_are_made_once(pfs_home: Path) -> None:
    operator = PfsCreatePipelineOperator(task_id="make", spec=copy_spec(), repos=["images"])

    operator.execute(task_context())
    operator.execute(task_context())

    assert _version(pfs_home) == 1


def test_a_spec_may_be_a_file(pfs_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.json"
    path.write_text(json.dumps(copy_spec()))

    PfsCreatePipelineOperator(task_id="make", spec=str(path), repos=["images"]).execute(
        task_context()
    )

    assert _version(pfs_home) == 1


def test_update_makes_a_new_version(pfs_home: Path) -> None:
    for command in ("true", "false"):
        PfsCreatePipelineOperator(
            task_id="make", spec=copy_spec(command), repos=["images"], update=True
        ).execute(task_context())

    assert _version(pfs_home) == 2


def test_a_wrong_spec_fails_for_good_and_names_the_field() -> None:
    spec = copy_spec() | {"transform": {"cmd": 3}}

    with pytest.raises(AirflowFailException, match=r"transform\.cmd.*\[spec-illegal\]"):
        PfsCreatePipelineOperator(task_id="make", spec=spec).execute(task_context())


def test_a_missing_input_repo_is_named() -> None:
    with pytest.raises(AirflowException, match=r"images.*\[repo-not-found\]"):
        PfsCreatePipelineOperator(task_id="make", spec=copy_spec()).execute(task_context())
