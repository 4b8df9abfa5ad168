"""The example DAG on pictures, and a deferred task, in a running Airflow."""

import time
from io import BytesIO
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.airflow.standalone import Standalone, measured, wait_for

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("airflow"),  # all of this folder share one Airflow
]

Image = pytest.importorskip("PIL.Image", reason="the demo's pictures need pillow: make setup")


def _picture(shade: int) -> bytes:
    data = BytesIO()
    picture = Image.new("RGB", (64, 48), (shade, shade, shade))
    picture.paste((255, 0, 0), (16, 12, 48, 36))
    picture.save(data, "PNG")
    return data.getvalue()


def _run_to_the_end(standalone: Standalone, dag: str) -> dict[str, Any]:
    run_id = standalone.trigger(dag)

    def ended() -> dict[str, Any] | None:
        run = next(run for run in standalone.runs(dag) if run["dag_run_id"] == run_id)
        return run if run["state"] in {"success", "failed"} else None

    run = wait_for(f"the end of {dag}", ended, timeout_s=120)
    assert run["state"] == "success", standalone.task_log(dag)
    return run


def test_edges_and_montage_run_and_a_second_run_does_only_what_is_new(
    standalone: Standalone, catalog: Pfs
) -> None:
    catalog.create_repo("images")
    with catalog.commit("images@master") as commit:
        commit.put_file("/a.png", _picture(40))
        commit.put_file("/b.png", _picture(160))

    started = time.monotonic()
    _run_to_the_end(standalone, "pfs_edges_montage")
    measured("edges and montage of two pictures", time.monotonic() - started)
    third = catalog.put_file("images@master:/c.png", _picture(220)).id
    second = _run_to_the_end(standalone, "pfs_edges_montage")

    job = catalog.inspect_job(f"edges@{third}")
    assert (job.state, job.processed, job.skipped, job.total) == ("success", 1, 2, 3)
    sheet = Image.open(BytesIO(catalog.read_file(f"montage@{third}:/montage.png")))
    assert sheet.width > sheet.height > 240
    assert standalone.xcom("pfs_edges_montage", second["dag_run_id"], "montage") == [
        f"default/montage@{third}"
    ]


def test_a_deferred_task_gives_the_same_result(standalone: Standalone, catalog: Pfs) -> None:
    standalone.pause("copy_on_commit", paused=True)
    commit = catalog.put_file("photos@master:/deferred", b"deferred").id

    run = _run_to_the_end(standalone, "copy_deferred")

    standalone.pause("copy_on_commit", paused=False)
    result = standalone.xcom("copy_deferred", run["dag_run_id"], "copy")
    assert result[-1] == f"default/copy@{commit}"
