"""Airflow's own OpenLineage provider, told by real task runs, writing events into a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.airflow.standalone import airflow_environment, free_port, run_airflow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
pytest.importorskip(
    "airflow.providers.openlineage", reason="Airflow's OpenLineage is not installed: make setup"
)

PROGRAM = """
from airflow.dag_processing.dagbag import DagBag
import os
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
assert not bag.import_errors, bag.import_errors
run = bag.dags["pfs_lineage"].test()
print("state:", run.state)
"""


@pytest.fixture(scope="module")
def events(place: Path, catalog: Pfs) -> list[dict[str, Any]]:
    """All events of one run of the DAG."""
    home = place / "lineage"
    home.mkdir()
    target = home / "events"
    (home / "photo").write_bytes(b"photo")
    transport = {"type": "file", "log_file_path": str(target), "append": True}
    environment = airflow_environment(
        home,
        dags=Path(__file__).parent / "lineage_dags",
        port=free_port(),
        pfs_home=place / "pfs",
    ) | {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "test",
        "PFS_TEST_SOURCE": str(home / "photo"),
    }
    run_airflow(environment, "db", "migrate", timeout_s=120)
    run_airflow(environment, "dags", "reserialize", timeout_s=60)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "state: success" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    return [json.loads(line) for line in target.read_text().splitlines()]


def _of(events: list[dict[str, Any]], task: str, kind: str) -> dict[str, Any]:
    (found,) = (
        event
        for event in events
        if event["job"]["name"] == f"pfs_lineage.{task}" and event["eventType"] == kind
    )
    return found


def _datasets(event: dict[str, Any], side: str) -> dict[str, str]:
    return {one["name"]: one["facets"]["version"]["datasetVersion"] for one in event[side]}


def test_every_event_has_what_the_specification_requires(events: list[dict[str, Any]]) -> None:
    assert {event["eventType"] for event in events} == {"START", "COMPLETE"}
    for event in events:
        assert {"eventTime", "producer", "schemaURL", "run", "job"} <= set(event)
        assert event["run"]["runId"]
        for dataset in [*event["inputs"], *event["outputs"]]:
            assert dataset["namespace"] == "pfs://pfs"
            assert dataset["name"].count("/") == 2
            for facet in dataset["facets"].values():
                assert {"_producer", "_schemaURL"} <= set(facet)


def test_a_put_a_pipeline_and_a_task_form_one_chain_of_versions(
    events: list[dict[str, Any]], catalog: Pfs
) -> None:
    photos, copy, notes = (
        catalog.inspect_commit(f"{repo}@master").id for repo in ("photos", "copy", "notes")
    )

    assert _datasets(_of(events, "put", "COMPLETE"), "outputs") == {"default/photos/master": photos}
    piped = _of(events, "copy", "COMPLETE")
    assert _datasets(piped, "inputs") == {"default/photos/master": photos}
    assert _datasets(piped, "outputs") == {"default/copy/master": copy}
    counted = _of(events, "count", "COMPLETE")
    assert _datasets(counted, "inputs") == {"default/copy/master": copy}
    assert _datasets(counted, "outputs") == {"default/notes/master": notes}


def test_the_jobs_of_a_pipeline_are_a_facet_of_the_run(
    events: list[dict[str, Any]], catalog: Pfs
) -> None:
    facet = _of(events, "copy", "COMPLETE")["run"]["facets"]["pfs_jobs"]

    newest = facet["jobs"][-1]
    job = catalog.inspect_job(f"copy@{newest['id']}")
    assert (newest["state"], newest["version"]) == ("success", 1)
    assert newest["processed"] + newest["skipped"] == newest["total"] == job.total
    assert facet["_schemaURL"].startswith("https://openlineage.io/")
