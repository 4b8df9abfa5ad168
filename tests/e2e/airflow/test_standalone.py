"""What happens in a running Airflow: one `airflow standalone` for all of this file.

Commits start DAG runs: soon, all of them, and over the death of a triggerer; the example DAG works
on pictures; a deferred task gives the same result. The tests run file by file, so that one process
starts the one Airflow.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.airflow.standalone import Standalone, measured, wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

Image = pytest.importorskip("PIL.Image", reason="the demo's pictures need pillow: make setup")

PROMISE_S = 10.0
"""From the put to the DAG run (issue's acceptance)."""


def _done(standalone: Standalone, dag: str) -> bool:
    return all(run["state"] == "success" for run in standalone.runs(dag))


def _outputs(catalog: Pfs) -> set[str]:
    return {job.id for job in catalog.list_jobs("copy") if job.state == "success"}


def _taken(standalone: Standalone) -> list[str]:
    path = Path(standalone.home) / "taken.txt"
    return path.read_text().split() if path.exists() else []


@pytest.fixture(scope="module")
def watching(standalone: Standalone) -> Standalone:
    """Both assets are watched: each has announced what was there when its watch began."""
    for dag in ("copy_on_commit", "note_commits"):
        wait_for(f"a first run of {dag}", partial(standalone.runs, dag), timeout_s=300)
        wait_for(f"its end ({dag})", partial(_done, standalone, dag), timeout_s=300)
    return standalone


def test_a_put_in_another_shell_is_followed_by_a_run(
    watching: Standalone, catalog: Pfs, put_file: Callable[..., None]
) -> None:
    before = len(watching.runs("copy_on_commit"))

    put_file("photos@master:/one.png", b"one")
    wait_for("a run", lambda: len(watching.runs("copy_on_commit")) > before, timeout_s=300)
    wait_for("its end", lambda: _done(watching, "copy_on_commit"), timeout_s=300)

    commit = catalog.inspect_commit("photos@master")
    run = watching.runs("copy_on_commit")[before]
    queued = datetime.fromisoformat(run["queued_at"])
    ended = datetime.fromisoformat(run["end_date"])
    assert commit.finished is not None
    wait_s = (queued - commit.finished).total_seconds()
    measured("put to run", wait_s)
    measured("put to the end of its run", (ended - commit.finished).total_seconds())
    assert wait_s < PROMISE_S
    run_id = run["dag_run_id"]
    assert watching.xcom("copy_on_commit", run_id, "copy") == [f"default/copy@{commit.id}"]
    told = watching.task_lines("copy_on_commit")
    (facts,) = [line for line in told if line.get("pfs_job") == commit.id]
    assert (facts["pfs_pipeline"], facts["pfs_state"]) == ("copy", "success")
    assert (facts["dag_id"], facts["run_id"]) == ("copy_on_commit", run_id)
    links = {
        name: link
        for name, link in watching.links("copy_on_commit", run_id, "copy").items()
        if link  # a task without pods leads to none
    }
    assert set(links) == {"PFS commit", "PFS job"}
    assert all(link.endswith("/xcom") for link in links.values())


def test_twenty_quick_puts_leave_no_commit_unprocessed(watching: Standalone, catalog: Pfs) -> None:
    commits = {
        repo: [catalog.put_file(f"{repo}@master:/quick{n}", b"%d" % n).id for n in range(20)]
        for repo in ("photos", "notes")
    }
    landed = time.monotonic()

    wait_for("all notes", lambda: set(commits["notes"]) <= set(_taken(watching)), timeout_s=300)
    wait_for("all jobs", lambda: set(commits["photos"]) <= _outputs(catalog), timeout_s=300)
    measured("20 puts to the last of their jobs", time.monotonic() - landed)

    assert [each for each in _taken(watching) if each in commits["notes"]] == commits["notes"]


def test_a_triggerer_that_is_killed_and_started_again_loses_none(
    watching: Standalone, catalog: Pfs
) -> None:
    before = catalog.put_file("notes@master:/before", b"x").id
    watching.kill_triggerer()
    while_dead = [catalog.put_file(f"notes@master:/dead{n}", b"%d" % n).id for n in range(3)]
    job = catalog.put_file("photos@master:/dead", b"dead").id

    restarted = time.monotonic()
    watching.start_triggerer()
    wait_for("the run of a put before the kill", lambda: before in _taken(watching), timeout_s=300)
    wait_for("all", lambda: set(while_dead) <= set(_taken(watching)), timeout_s=300)
    wait_for("the job", lambda: job in _outputs(catalog), timeout_s=300)
    measured("triggerer's restart to all", time.monotonic() - restarted)

    taken = _taken(watching)
    assert len(taken) == len(set(taken))


def _keys(standalone: Standalone) -> dict[str, str]:
    """The commits that have a run of their own, and its state; no commit has two."""
    runs = standalone.runs("pfs_each_commit")
    keys = [str(run["partition_key"]) for run in runs]
    assert len(keys) == len(set(keys))
    return {str(run["partition_key"]): run["state"] for run in runs}


def test_each_of_twenty_quick_commits_has_exactly_one_run_over_the_death_of_a_triggerer(
    watching: Standalone, catalog: Pfs
) -> None:
    watching.pause("pfs_on_commit", paused=True)  # its pipelines are not there yet
    catalog.create_repo("images")
    begin = catalog.put_file("images@master:/begin", b"x").id
    wait_for("the first run", lambda: begin in _keys(watching), timeout_s=300)

    started = time.monotonic()
    commits = [catalog.put_file(f"images@master:/{n}", b"%d" % n).id for n in range(10)]
    watching.kill_triggerer()
    commits += [catalog.put_file(f"images@master:/{n}", b"%d" % n).id for n in range(10, 20)]
    watching.start_triggerer()
    wait_for("a run of each", lambda: set(commits) <= set(_keys(watching)), timeout_s=300)
    measured("20 commits to a run of each, with a new triggerer", time.monotonic() - started)
    wait_for("their end", lambda: set(_keys(watching).values()) == {"success"}, timeout_s=300)
    measured("and to the end of these runs", time.monotonic() - started)

    assert set(_keys(watching)) == {begin, *commits}
    last = watching.runs("pfs_each_commit")[-1]
    assert last["partition_key"] in commits
    files = watching.xcom("pfs_each_commit", last["dag_run_id"], "list_files")
    assert len(files) == 2 + commits.index(last["partition_key"])

    watching.trigger("pfs_dispatch_images_master", {"since": commits[-2]})
    wait_for("two runs more", lambda: len(watching.runs("pfs_each_commit")) == 23, timeout_s=300)
    wait_for("their end", lambda: _done(watching, "pfs_each_commit"), timeout_s=300)
    again = {run["dag_run_id"] for run in watching.runs("pfs_each_commit")[-2:]}
    for run in again:
        assert watching.task_states("pfs_each_commit", run) == {
            "commit": "skipped",
            "list_files": "skipped",
        }
    catalog.delete_repo("images")
    watching.pause("pfs_on_commit", paused=False)


def test_a_folder_of_specs_is_a_dag_that_makes_its_pipelines_and_runs_them(
    standalone: Standalone, catalog: Pfs
) -> None:
    _run_to_the_end(standalone, "pfs_word_count")  # makes the repo and the pipelines
    with catalog.commit("texts@master") as commit:
        commit.put_file("/a", b"one two three")
        commit.put_file("/b", b"four")

    wait_for("the table", lambda: _state(catalog, f"word_table@{commit.id}"), timeout_s=300)
    wait_for("the end of its run", lambda: _done(standalone, "pfs_word_count"), timeout_s=300)

    assert catalog.read_file(f"word_table@{commit.id}:/table.txt") == b"a 3\nb 1\n"
    assert {catalog.inspect_pipeline(name).version for name in ("words", "word_table")} == {1}


def _state(catalog: Pfs, job: str) -> bool:
    return catalog.inspect_job(job).state == "success"


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

    run = wait_for(f"the end of {dag}", ended, timeout_s=300)
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
