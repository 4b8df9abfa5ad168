"""In an Airflow home that nobody has used and with no PFS set up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.airflow.standalone import run_airflow

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.timeout(120),
]


def test_airflow_lists_the_provider(fresh_home: dict[str, str]) -> None:
    listed = json.loads(run_airflow(fresh_home, "providers", "list", "-o", "json"))

    assert "airflow-provider-pfs" in {provider["package_name"] for provider in listed}


def test_the_example_dags_import_without_error_and_without_touching_anything(
    fresh_home: dict[str, str],
) -> None:
    program = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        "import json, os\n"
        "bag = DagBag(os.environ['AIRFLOW__CORE__DAGS_FOLDER'])\n"
        "print(json.dumps([sorted(bag.dags), bag.import_errors]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=fresh_home,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    dags, errors = json.loads(done.stdout.splitlines()[-1])
    assert dags == [
        "pfs_dispatch_images_master",
        "pfs_each_commit",
        "pfs_edges_montage",
        "pfs_kubernetes",
        "pfs_map_function",
        "pfs_map_group",
        "pfs_on_commit",
        "pfs_word_count",
    ]
    assert errors == {}
    assert not Path(fresh_home["PFS_HOME"]).exists()
