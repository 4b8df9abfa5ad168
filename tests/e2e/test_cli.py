"""The real program in child processes on a fresh home: SQLite and a local folder.

One story is told once for the module (two chained pipelines over three files); the tests look at
it. What is asked many times over one state runs in this process through the same ``main``, because
starting a process costs more than all it does.
"""

import json
import resource
import signal
from pathlib import Path

import pytest

from tests.e2e.shell import Shell, here

# Design 15, to the letter.
FIELDS = {
    "repo": "project name description created size",
    "branch": "project repo name head provenance trigger",
    "commit": "project repo branch id parent origin state started finished size message error "
    "provenance",
    "file": "path type size digest datum modified",
    "diff": "op path old_size new_size",
    "pipeline": "project name version state reason input created last_job",
    "job": "id project pipeline version output_commit state reason created started finished total "
    "processed skipped recovered failed",
    "datum": "id job state files tries exit_code started finished",
}


EDGES = """
pipeline: {name: edges}
transform:
  cmd: [sh]
  stdin:
    - for f in /pfs/images/*; do tr a-z A-Z < $f > /pfs/out/$(basename $f); echo saw $f; done
input: {pfs: {repo: images, glob: "/*"}}
"""
MONTAGE = """
pipeline: {name: montage}
transform: {cmd: [sh], stdin: ["cat /pfs/edges/* > /pfs/out/all"]}
input: {pfs: {repo: edges, glob: "/"}}
"""
BROKEN = """
pipeline: {name: broken}
transform: {cmd: [no-such-command]}
input: {pfs: {repo: other, glob: "/*"}}
"""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(folder=tmp_path_factory.mktemp("story"))
    shell.ok("create", "repo", "images")
    for name in ("a", "b", "c"):
        shell.write(f"photos/{name}", f"{name}\n")
    shell.ok("put", "file", "images@master", "-r", "-f", "photos")
    shell.write("edges.yaml", EDGES)
    shell.write("montage.yaml", MONTAGE)
    shell.ok("create", "pipeline", "-f", "edges.yaml")
    shell.ok("create", "pipeline", "-f", "-", stdin=MONTAGE.encode())
    shell.ok("run")
    shell.ok("put", "file", "images@master:/d", "-f", "-", stdin=b"d\n")
    shell.ok("run", "--workers", "1")
    return shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


def newest(shell: Shell, pipeline: str) -> str:
    return f"{pipeline}@{shell.json('list', 'job', '-p', pipeline, '-n', '1')[0]['id']}"


@pytest.mark.timeout(300)
def test_two_chained_pipelines_run_and_only_what_changed_is_done_again(story: Shell) -> None:
    jobs = story.json("list", "job", "-p", "edges")

    assert story.ok("get", "file", "montage@master:/all") == "A\nB\nC\nD\n"
    assert [(job["state"], job["processed"], job["skipped"], job["total"]) for job in jobs] == [
        ("success", 1, 3, 4), ("success", 3, 0, 3),
    ]  # fmt: skip
    assert "1 + 3 / 4" in story.ok("list", "job", "-p", "edges")


@pytest.mark.parametrize(
    ("noun", "command"),
    [
        ("repo", "list repo"),
        ("repo", "inspect repo edges"),
        ("branch", "list branch montage"),
        ("branch", "inspect branch images@master"),
        ("commit", "list commit images"),
        ("commit", "list commit"),
        ("commit", "inspect commit montage@master"),
        ("commit", "find commit images@master:/d"),
        ("commit", "wait commit montage@master"),
        ("commit", "provenance montage@master"),
        ("commit", "subvenance images@master"),
        ("file", "list file images@master:/"),
        ("file", "glob file images@master:/*"),
        ("file", "inspect file edges@master:/a"),
        ("diff", "diff file images@master"),
        ("pipeline", "list pipeline"),
        ("pipeline", "inspect pipeline edges"),
        ("job", "list job"),
        ("job", "list job -p edges"),
        ("datum", "list datum -f edges.yaml"),
    ],
)
@pytest.mark.timeout(300)
def test_json_has_exactly_the_stable_fields(
    story: Shell, monkeypatch: pytest.MonkeyPatch, noun: str, command: str
) -> None:
    found = here(story, monkeypatch).ok(*command.split(), "-o", "json").json

    assert found
    assert all(list(one) == FIELDS[noun].split() for one in found)


@pytest.mark.timeout(300)
def test_a_job_is_looked_into(story: Shell) -> None:
    job = newest(story, "edges")

    (info,) = story.json("inspect", "job", job)
    datums = story.json("list", "datum", job)

    assert list(info) == FIELDS["job"].split()
    assert all(list(datum) == FIELDS["datum"].split() for datum in datums)
    assert sorted(datum["state"] for datum in datums) == ["skipped"] * 3 + ["success"]
    assert story.ok("logs", "--job", job) == "saw /pfs/images/d\n"
    assert "saw /pfs/images/d" in story.ok("logs", "-p", "edges", "--follow")
    done = next(datum["id"] for datum in datums if datum["state"] == "success")
    assert story.ok("logs", "--job", job, "--datum", done) == "saw /pfs/images/d\n"


@pytest.mark.timeout(300)
def test_a_files_way_is_known_in_both_directions(story: Shell) -> None:
    up = story.json("provenance", "montage@master:/all")
    down = story.json("subvenance", "images@master:/a")

    assert {"/a", "/b", "/c", "/d"} <= {link["path"] for link in up if link["repo"] == "images"}
    assert {(link["repo"], link["path"]) for link in down} == {("edges", "/a"), ("montage", "/all")}
    assert all(link["datum"] for link in down)


@pytest.mark.timeout(300)
def test_the_graph_is_drawn(story: Shell) -> None:
    drawn = story.ok("draw", "pipeline")

    assert drawn.index("images") < drawn.index("edges") < drawn.index("montage")


@pytest.mark.timeout(300)
def test_a_folder_comes_back_as_it_was(story: Shell) -> None:
    story.ok("get", "file", "images@master^:/", "-r", "-o", "back")

    assert {path.name: path.read_text() for path in (story.folder / "back").iterdir()} == {
        name: f"{name}\n" for name in ("a", "b", "c")
    }


@pytest.mark.timeout(300)
def test_schedulers_take_a_job_through_its_three_steps(shell: Shell) -> None:
    shell.ok("create", "repo", "images")
    shell.ok("put", "file", "images@master:/a", "-f", "-", stdin=b"a\n")
    shell.ok("create", "pipeline", "-f", "-", stdin=EDGES.encode())
    job = newest(shell, "edges")

    (plan,) = shell.json("job", "plan", job)
    shell.ok("job", "work", job)
    (done,) = shell.json("job", "finish", job)

    assert (plan["total"], plan["sets"]) == (1, 1)
    assert (done["state"], done["processed"]) == ("success", 1)
    assert shell.ok("get", "file", "edges@master:/a") == "A\n"


@pytest.mark.timeout(300)
def test_a_failed_job_exits_1_and_the_others_run_all_the_same(shell: Shell) -> None:
    for repo in ("images", "other"):
        shell.ok("create", "repo", repo)
        shell.ok("put", "file", f"{repo}@master:/a", "-f", "-", stdin=b"a\n")
    shell.ok("create", "pipeline", "-f", "-", stdin=BROKEN.encode())
    shell.ok("create", "pipeline", "-f", "-", stdin=EDGES.encode())

    done = shell.pfs("run", "-o", "json")

    jobs = {job["pipeline"]: job for job in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert {name: job["state"] for name, job in jobs.items()} == {
        "broken": "failure", "edges": "success",
    }  # fmt: skip
    assert "no-such-command" in jobs["broken"]["reason"]
    assert shell.pfs("wait", "commit", "broken@master").returncode == 1


@pytest.mark.timeout(300)
def test_a_glob_that_matches_nothing_is_a_job_of_no_datums(shell: Shell) -> None:
    shell.ok("create", "repo", "images")
    shell.ok("put", "file", "images@master:/a", "-f", "-", stdin=b"a\n")
    shell.ok("create", "pipeline", "-f", "-", stdin=EDGES.replace('"/*"', '"/*.tif"').encode())

    (job,) = shell.json("run")

    assert (job["state"], job["total"]) == ("success", 0)
    assert shell.json("list", "file", "edges@master") == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.timeout(300)
def test_a_signal_ends_a_watch_quietly(shell: Shell, number: signal.Signals, code: int) -> None:
    shell.ok("create", "repo", "images")
    shell.ok("put", "file", "images@master:/a", "-f", "-", stdin=b"x")
    process = shell.start("subscribe", "commit", "images@master", "-o", "json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())

    process.send_signal(number)
    _, error = process.communicate(timeout=60)

    assert first["state"] == "finished"
    assert process.returncode == code
    assert b"Traceback" not in error


@pytest.mark.timeout(300)
def test_run_watch_works_what_comes(shell: Shell) -> None:
    shell.ok("create", "repo", "images")
    shell.ok("create", "pipeline", "-f", "-", stdin=EDGES.encode())
    process = shell.start("run", "--watch", "-o", "json")
    assert process.stdout is not None
    shell.ok("put", "file", "images@master:/a", "-f", "-", stdin=b"a\n")

    job = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)

    assert (job["pipeline"], job["state"]) == ("edges", "success")
    assert process.returncode == 130, error


@pytest.mark.timeout(300)
def test_run_watch_tells_of_each_job_as_it_ends_also_of_those_behind_a_failed_one(
    shell: Shell,
) -> None:
    specs = [
        {
            "pipeline": {"name": name},
            "input": {"pfs": {"repo": repo, "glob": "/"}},
            "transform": {"cmd": ["false"]},
            "datum_tries": 1,
        }
        for name, repo in (("fails", "in"), ("behind", "fails"))
    ]
    shell.ok("create", "repo", "in")
    shell.ok("create", "pipeline", "-f", "-", stdin=json.dumps(specs).encode())
    process = shell.start("run", "--watch")
    assert process.stdout is not None
    said: list[str] = []

    for body in (b"a", b"b"):
        shell.ok("put", "file", "in@master:/a", "-f", "-", stdin=body)
        # They come although it goes on: nothing waits for a buffer to be full.
        said += [process.stdout.readline().decode() for _ in range(3 - len(said) // 3)]
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)

    assert rest == b""
    assert said[0].split()[:3] == ["PROJECT", "PIPELINE", "ID"]
    words = [("fails", "failure: "), ("behind", "unrunnable: ")] * 2
    for line, (pipeline, state) in zip(said[1:], words, strict=True):
        assert line.split()[1] == pipeline
        assert state in line


@pytest.mark.timeout(300)
def test_a_reader_that_goes_away_is_no_matter_for_words(shell: Shell) -> None:
    shell.ok("create", "repo", "images")
    for n in range(1000):
        shell.write(f"many/{n:05}-{'x' * 60}", "")
    shell.ok("put", "file", "images@master", "-r", "-f", "many")

    process = shell.start("list", "file", "images@master", "-o", "json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    error = process.stderr.read()
    process.stderr.close()
    process.wait(60)

    assert error == b""


@pytest.mark.timeout(300)
def test_help_costs_little(shell: Shell) -> None:
    costs = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shell.ok("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(costs) < 0.5, "seconds of the processor, whatever else it does meanwhile"
