import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.runner import Cli

STAY = ("--namespace", "n", "--workflow", "w", "--uid", "u")
ABROAD = ("--namespace", "m", "--workflow", "x", "--uid", "y")


@pytest.fixture
def edges(images: Cli, spec: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("PFS_K8S_WORKER_IMAGE", "pfs:1")
    monkeypatch.setenv("PFS_K8S_USER_IMAGE", "busybox:1")
    monkeypatch.setenv("PFS_K8S_STORE_URL", "s3://b/x")
    images.ok("create", "pipeline", "-f", spec)
    return images


def outputs(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_what_is_begun_is_told_in_files(edges: Cli, tmp_path: Path) -> None:
    job = edges.ok("list", "job", "-o", "json").json[0]["id"]

    edges.ok("step", "begin", "edges", *STAY, "--outputs", str(tmp_path / "o"))

    told = outputs(tmp_path / "o")
    assert (told["job"], told["id"], told["jobs"]) == (f"default/edges@{job}", job, "0")
    assert int(told["pods"]) == int(told["workers"]) >= 1
    assert json.loads(told["pod"])["containers"][0]["name"] == "main"


def test_with_nothing_to_do_the_numbers_are_0(images: Cli, edges: Cli, tmp_path: Path) -> None:
    edges.ok("stop", "job", f"edges@{edges.ok('list', 'job', '-o', 'json').json[0]['id']}")

    done = edges.ok("step", "begin", "edges", *STAY, "--outputs", str(tmp_path / "o"))

    assert "nothing to do" in done.out
    told = outputs(tmp_path / "o")
    assert (told["job"], told["pods"], told["jobs"]) == ("", "0", "0")
    edges.ok("step", "finish", "", *STAY, "--outputs", str(tmp_path / "o"))
    assert outputs(tmp_path / "o")["commit"] == ""


def test_a_job_is_kept_until_the_step_is_told_to_end(edges: Cli) -> None:
    job = f"edges@{edges.ok('list', 'job', '-o', 'json').json[0]['id']}"
    edges.ok("step", "begin", "edges", *STAY)
    # The program ends by the signal, and Argo is to see that as a good end.
    line = [sys.executable, "-m", "pfs_provider.cli", "step", "keep", "--lease", "2", *STAY, job]

    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=plain) as keeping:
        try:
            assert keeping.stdout is not None
            said = keeping.stdout.readline()
            taken = edges("step", "begin", "edges", *ABROAD)
        finally:
            keeping.terminate()
        code = keeping.wait(timeout=20)

    assert said == f"{job} is kept\n"
    assert (taken.code, code) == (4, 0)
    assert "[job-taken]" in taken.err


def test_a_step_that_cannot_keep_anything_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, tmp_path: Path
) -> None:
    monkeypatch.delenv("PFS_HOME")
    message = tmp_path / "message"

    done = cli("step", "keep", "edges@" + "0" * 32, *STAY, "--message", str(message))

    assert done.code == 5
    assert "PFS_CATALOG" in message.read_text(encoding="utf-8")


def test_what_went_wrong_is_one_sentence_in_the_file_that_argo_shows(
    edges: Cli, tmp_path: Path
) -> None:
    message = tmp_path / "message"

    done = edges("step", "begin", "nothing", *STAY, "--message", str(message))

    assert done.code == 3
    assert message.read_text(encoding="utf-8").endswith("[pipeline-not-found]")
    assert not (tmp_path / "o").exists()


def test_a_job_that_was_not_worked_fails_with_exit_code_1(edges: Cli, tmp_path: Path) -> None:
    edges.ok("step", "begin", "edges", *STAY, "--outputs", str(tmp_path / "o"))

    done = edges("step", "finish", outputs(tmp_path / "o")["job"], *STAY)

    assert done.code == 1
    assert "workflow n/w" in done.err


@pytest.mark.parametrize(
    "failures",
    [
        '[{"displayName": "work", "message": "OOMKilled"}]',
        json.dumps('[{"displayName": "work", "message": "OOMKilled"}]'),
        '[{"displayName": "keep", "message": ""}, {"displayName": "work", "message": "OOMKilled"}]',
    ],
    ids=["plain", "escaped", "behind a step that was ended"],
)
def test_a_job_that_is_given_back_tells_why(edges: Cli, tmp_path: Path, failures: str) -> None:
    edges.ok("step", "begin", "edges", *STAY)

    edges.ok("step", "settle", *STAY, "--reason", "Failed", "--failures", failures)

    job = edges.ok("list", "job", "-o", "json").json[0]
    assert (job["state"], job["reason"]) == ("starting", "workflow n/w: Failed; work: OOMKilled")
    edges.ok("step", "settle", *STAY, "--failures", "{{workflow.failures}}")


def test_ready_pipelines_are_listed_unless_they_are_the_same_as_before(
    edges: Cli, tmp_path: Path
) -> None:
    folder = str(tmp_path / "o")

    edges.ok("step", "ready", "--namespace", "n", "--outputs", folder)
    first = outputs(tmp_path / "o")
    edges.ok("step", "ready", "--namespace", "n", "--seen", first["seen"], "--outputs", folder)
    second = outputs(tmp_path / "o")

    assert (first["count"], json.loads(first["pipelines"])) == ("1", ["default/edges"])
    assert (second["count"], second["pipelines"]) == ("0", "[]")


def test_the_verdict_over_a_change_is_that_of_its_jobs(edges: Cli) -> None:
    job = edges.ok("list", "job", "-o", "json").json[0]["id"]
    edges.ok("step", "verdict")

    done = edges("step", "verdict", "--change", job)

    assert done.code == 1
    assert "default/edges" in done.err


def test_a_map_is_begun_by_a_command_line(edges: Cli, tmp_path: Path) -> None:
    asked = [
        "out",
        "images@master",
        "--image",
        "busybox:1",
        "--command",
        "cp /pfs/images/* /pfs/out",
    ]

    edges.ok("step", "map", *asked, *STAY, "--outputs", str(tmp_path / "o"))
    edges.ok("step", "settle", *STAY)
    listed = ["--command", '["true"]', "--glob", "/**"]
    edges.ok("step", "map", "two", "images@master", "--image", "b:1", *listed, *STAY)

    assert outputs(tmp_path / "o")["job"].startswith("default/out@")
    names = {job["pipeline"] for job in edges.ok("list", "job", "-o", "json").json}
    assert names == {"edges", "out", "two"}
