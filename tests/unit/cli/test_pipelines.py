import json
from pathlib import Path

import pytest

from tests.unit.cli.runner import Cli


def test_a_pipeline_is_made_from_a_file_and_listed(images: Cli, spec: str) -> None:
    made = images.ok("create", "pipeline", "-f", spec, "-o", "json").json

    assert [(one["name"], one["version"], one["input"]) for one in made] == [
        ("edges", 1, "images:/*")
    ]
    line = images.ok("list", "pipeline").out.splitlines()[1].split()
    assert line[:4] == ["default", "edges", "1", "images:/*"]


def test_the_forms_of_1_x_work_too(images: Cli, spec: str) -> None:
    images.ok("create-pipeline", "-f", "-", stdin=Path(spec).read_bytes())

    assert images("create-pipeline", "-f", spec).code == 4
    assert images.ok("inspect-pipeline", "edges", "-o", "json").json[0]["version"] == 1
    images.ok("delete-pipeline", "edges")
    assert images.ok("list-pipeline").out == ""


def test_an_update_is_a_new_version(images: Cli, spec: str) -> None:
    images.ok("update", "pipeline", "-f", spec)
    images.ok("update", "pipeline", "-f", spec, "--reprocess")

    assert images.ok("inspect", "pipeline", "edges", "-o", "json").json[0]["version"] == 2


def test_a_dry_run_checks_all_and_changes_nothing(images: Cli, spec: str) -> None:
    shown = images.ok("create", "pipeline", "-f", spec, "--dry-run").json[0]

    assert shown["input"]["pfs"]["glob"] == "/*"
    assert images.ok("list", "pipeline").out == ""
    images.ok("delete", "repo", "images")
    assert images("create", "pipeline", "-f", spec, "--dry-run").code == 3


def test_validation_needs_no_repos_and_tells_of_oddities(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(
        json.dumps({
            "pipeline": {"name": "edges"}, "transform": {"image": "opencv", "cmd": ["python3"]},
            "parallelism_spec": {"constant": "4"},
            "input": {"atom": {"repo": "images", "glob": "/*"}},
        })
    )  # fmt: skip

    done = cli.ok("validate", "pipeline", "-f", str(path))

    assert done.out == "edges: valid\n"
    assert "warning: pipeline edges: " in done.err
    document = cli.ok("validate", "pipeline", "-f", str(path), "-o", "json").json[0]
    assert document["input"]["pfs"]["repo"] == "images"


def test_a_wrong_field_is_named_with_its_path(cli: Cli) -> None:
    text = (
        b'{"pipeline": {"name": "e"}, "transform": {"cmd": ["x"]}, "input": {"pfs": {"repo": 7}}}'
    )

    done = cli("validate", "pipeline", "-f", "-", stdin=text)

    assert done.code == 5
    assert "input.pfs.repo" in done.err


def test_a_pipeline_stops_starts_and_runs_again(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)

    stopped = images.ok("stop", "pipeline", "edges", "-o", "json").json[0]
    started = images.ok("start", "pipeline", "edges", "-o", "json").json[0]
    images.ok("rerun", "pipeline", "edges")

    assert stopped["state"] != started["state"]
    jobs = images.ok("list", "job", "-p", "edges", "-o", "json").json
    assert len(jobs) > 1
    assert jobs[0]["state"] in {"created", "starting"}


def test_the_spec_of_a_pipeline_loads_again(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)

    text = images.ok("inspect", "pipeline", "edges", "--spec").out

    images.ok("validate", "pipeline", "-f", "-", stdin=text.encode())


def test_a_deleted_pipeline_may_leave_its_repo(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)

    images.ok("delete", "pipeline", "edges", "--keep-repo")

    assert [repo["name"] for repo in images.ok("list", "repo", "-o", "json").json] == [
        "edges", "images",
    ]  # fmt: skip


TEMPLATE = """
function(name, glob="/*") {
  pipeline: { name: name },
  transform: { cmd: ["true"] },
  input: { pfs: { repo: "images", glob: glob } },
}
"""


def test_a_template_makes_pipelines_of_its_arguments(images: Cli, tmp_path: Path) -> None:
    pytest.importorskip("_jsonnet", reason="Jsonnet is not installed: make setup brings it")
    path = tmp_path / "any.jsonnet"
    path.write_text(TEMPLATE)
    template = ("--jsonnet", str(path), "--arg")

    assert images.ok("validate", "pipeline", *template, "name=a").out == "a: valid\n"
    assert len(images.ok("list", "datum", *template, "name=a", "-o", "json").json) == 2
    images.ok("create", "pipeline", *template, "name=a")
    images.ok("create", "pipeline", "--jsonnet", "-", "--arg", "name=b", stdin=path.read_bytes())
    images.ok("update", "pipeline", *template, "name=a", "--arg", "glob=/")

    listed = images.ok("list", "pipeline", "-o", "json").json
    assert [(one["name"], one["version"], one["input"]) for one in listed] == [
        ("a", 2, "images:/"), ("b", 1, "images:/*"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "name a spec"),
        (("-f", "x.json", "--jsonnet", "x.jsonnet"), 2, "name a spec"),
        (("-f", "x.json", "--arg", "a=b"), 2, "--arg is for a template"),
        (("--jsonnet", "any.jsonnet", "--arg", "name"), 2, "write it as NAME=VALUE"),
        (("--jsonnet", "any.jsonnet"), 5, "give --arg name=VALUE"),
        (("--jsonnet", "none.jsonnet"), 3, "there is no file"),
        (("-f", "any.jsonnet"), 5, "--jsonnet FILE"),
    ],
)
def test_a_template_that_is_called_wrongly_is_told(
    images: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    text: str,
) -> None:
    pytest.importorskip("_jsonnet", reason="Jsonnet is not installed: make setup brings it")
    monkeypatch.chdir(tmp_path)
    Path("any.jsonnet").write_text(TEMPLATE)

    done = images("create", "pipeline", *arguments)

    assert (done.code, done.out) == (code, "")
    assert text in done.err


def test_the_history_of_versions_is_listed_and_inspected(images: Cli, spec: str) -> None:
    for _ in range(3):
        images.ok("update", "pipeline", "-f", spec)

    def versions(*words: str) -> list[int]:
        found = images.ok("list", "pipeline", *words, "-o", "json").json
        return [one["version"] for one in found]

    assert versions() == versions("edges") == versions("--history", "0") == [3]
    assert versions("--history", "1") == [3, 2]
    assert versions("edges", "--history", "all") == [3, 2, 1]
    assert images.ok("inspect", "pipeline", "edges^1", "-o", "json").json[0]["version"] == 2
    assert images.ok("inspect", "pipeline", "edges^2", "--spec", "-o", "json").json[0]["transform"]
    assert images("inspect", "pipeline", "edges^3").code == 3
    assert images("inspect", "pipeline", "edges^~").code == 5
    assert images("list", "pipeline", "--history", "some").code == 2


def test_a_pipeline_is_run_on_chosen_commits(images: Cli, spec: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    for name in ("/a", "/b"):
        images.ok("put", "file", f"images@master:{name}", "-f", str(tmp_path / "a"))
    images.ok("create", "pipeline", "-f", spec)

    made = images.ok("run", "pipeline", "edges", "images@master^", "-o", "json").json[0]

    assert (made["pipeline"], made["state"]) == ("edges", "starting")
    printed = images.ok("run-pipeline", "edges", "images@master").out.strip()
    listed = images.ok("list", "job", "-p", "edges", "-o", "json").json
    assert [job["id"] for job in listed[:2]] == [printed, made["id"]]
    assert images("run", "pipeline", "edges", "nope@master").code == 3
    assert images("run", "pipeline").code == 3


def test_a_new_pipeline_runs_on_all_commits(images: Cli, spec: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    for name in ("/a", "/b"):
        images.ok("put", "file", f"images@master:{name}", "-f", str(tmp_path / "a"))

    images.ok("create", "pipeline", "-f", spec, "--all-commits")

    wanted = [one["id"] for one in images.ok("list", "commit", "images", "-o", "json").json]
    found = images.ok("list", "job", "-p", "edges", "-o", "json").json
    assert [job["id"] for job in found] == wanted
    assert len(wanted) == 3


def test_cron_inputs_tick_when_told_to(images: Cli, tmp_path: Path) -> None:
    nightly = tmp_path / "nightly.json"
    document = {"pipeline": {"name": "nightly"}, "transform": {"cmd": ["true"]}}
    cron = {"input": {"cron": {"name": "tick", "spec": "@yearly"}}}
    nightly.write_text(json.dumps(document | cron))
    images.ok("create", "pipeline", "-f", str(nightly))

    made = images.ok("run", "cron", "nightly", "-o", "json").json[0]
    printed = images.ok("run-cron", "nightly").out.strip()

    listed = images.ok("list", "job", "-p", "nightly", "-o", "json").json
    assert [job["id"] for job in listed] == [printed, made["id"]]
    assert len(images.ok("list", "file", "nightly_tick@master").out.splitlines()) == 3
    assert images("run", "cron", "nope").code == 3
    assert images("run", "cron").code == 3  # a pipeline of that name
