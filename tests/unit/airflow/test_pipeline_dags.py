import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from pfs_provider.airflow.operators.apply_specs import PfsApplySpecsOperator
from pfs_provider.airflow.pipeline_dags import pipeline_dag
from pfs_provider.errors import RefusedError
from tests.unit.airflow.specs import spec, write_specs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_specs(
        tmp_path / "photos",
        edges=spec("edges", "images"),
        montage=spec("montage", "images", "edges"),
        labels=spec("labels", "images"),
    )


def _uris(dag: Any) -> list[str]:
    return sorted(asset.uri for asset in dag.timetable.asset_condition.objects)


def _upstream(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: task.upstream_task_ids for task in dag.tasks}


def test_one_dag_has_a_task_for_each_pipeline_in_the_order_they_build_on_each_other(
    folder: Path,
) -> None:
    (dag,) = pipeline_dag(folder)

    assert dag.dag_id == "photos"
    assert dag.max_active_runs == 1
    assert _uris(dag) == ["pfs://images/master"]
    assert _upstream(dag) == {
        "specs": set(),
        "edges": {"specs"},
        "labels": {"specs"},
        "montage": {"edges"},
    }


def test_a_dag_for_each_pipeline_runs_when_one_of_its_inputs_moves(folder: Path) -> None:
    dags = {dag.dag_id: dag for dag in pipeline_dag(folder, mode="dag-per-pipeline", dag_id="p")}

    assert sorted(dags) == ["p.edges", "p.labels", "p.montage"]
    assert _uris(dags["p.edges"]) == ["pfs://images/master"]
    assert _uris(dags["p.montage"]) == ["pfs://edges/master", "pfs://images/master"]
    assert _upstream(dags["p.montage"]) == {"specs": set(), "montage": {"specs"}}


@pytest.mark.parametrize("mode", ["one-dag", "dag-per-pipeline"])
def test_services_and_spouts_are_applied_and_have_no_task(tmp_path: Path, mode: Any) -> None:
    site = {**spec("site", "counts"), "service": {"internal_port": 80}}
    tap = {"pipeline": {"name": "tap"}, "transform": {"cmd": ["x"]}, "spout": {}}
    folder = write_specs(tmp_path / "live", counts=spec("counts", "tap"), site=site, tap=tap)

    (dag,) = pipeline_dag(folder, mode=mode)

    assert _uris(dag) == ["pfs://tap/master"], "what a spout commits is told by its asset"
    assert _upstream(dag) == {"specs": set(), "counts": {"specs"}}
    first = dag.get_task("specs")
    assert isinstance(first, PfsApplySpecsOperator)
    applied = {one["pipeline"]["name"] for one in first.specs if not isinstance(one, str)}
    assert applied == {"counts", "site", "tap"}


def test_each_dag_applies_all_specs_of_the_folder_and_makes_the_sources(folder: Path) -> None:
    (first, *_) = pipeline_dag(folder, mode="dag-per-pipeline")

    task = first.get_task("specs")

    assert isinstance(task, PfsApplySpecsOperator)
    assert len(task.specs) == 3
    assert task.repos == ["images"]


def test_arguments_reach_the_operators_and_the_dag(folder: Path) -> None:
    (dag,) = pipeline_dag(
        folder,
        schedule="@daily",
        dag_arguments={"tags": ["mine"]},
        pfs_conn_id="other",
        workers=3,
        retries=5,
    )

    task: Any = dag.get_task("edges")
    assert (task.workers, task.retries, task.pfs_conn_id) == (3, 5, "other")
    assert dag.tags == {"mine"}


def test_names_of_other_projects_and_of_the_first_task_stay_apart(tmp_path: Path) -> None:
    lab = spec("edges", "images", pipeline={"name": "edges", "project": "lab"})
    write_specs(tmp_path, a=lab, b=spec("edges", "images"), c=spec("specs", "images"))

    (dag,) = pipeline_dag(tmp_path, dag_id="x")

    assert set(dag.task_ids) == {"specs", "specs_", "edges", "lab.edges"}
    task: Any = dag.get_task("lab.edges")
    assert task.pipeline == "lab/edges"


def test_an_unknown_mode_is_named(folder: Path) -> None:
    with pytest.raises(RefusedError, match="'dag-per-pipeline'"):
        pipeline_dag(folder, mode="all")  # type: ignore[arg-type]


def test_a_bad_spec_is_an_import_error_that_names_file_and_field(tmp_path: Path) -> None:
    write_specs(tmp_path / "specs", bad=spec("b", "images", datum_tries="many"))
    program = "from pfs_provider.airflow import pipeline_dag; pipeline_dag('specs')"

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert "RefusedError" in last
    assert "specs/bad.json: pipeline b: datum_tries" in last


def test_a_hundred_specs_are_parsed_quickly_and_no_catalog_is_touched(
    tmp_path: Path, pfs_home: Path
) -> None:
    specs = {f"p{n}": spec(f"p{n}", "images" if n == 0 else f"p{n - 1}") for n in range(100)}
    write_specs(tmp_path / "specs", **specs)

    started = time.process_time()  # what others do on this machine is not its doing
    (dag,) = pipeline_dag(tmp_path / "specs")

    assert len(dag.tasks) == 101
    assert time.process_time() - started < 5
    assert not pfs_home.exists() or not any(pfs_home.iterdir())


def test_a_clock_that_ticks_when_told_to_runs_its_dag_by_the_tick(tmp_path: Path) -> None:
    told = {"cron": {"name": "tick", "spec": "@never"}}
    folder = write_specs(tmp_path / "told", load=spec("load", "none") | {"input": told})

    (dag,) = pipeline_dag(folder)

    assert _uris(dag) == ["pfs://load_tick/master"]
