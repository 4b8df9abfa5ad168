"""Bad specs given to the real program: one error with field and way out, and nothing half-done."""

import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import Pfs
from pfs_provider.cli.error_table import exit_code
from pfs_provider.errors import ErrorCode, PfsError, RefusedError
from tests.e2e.shell import Shell, here
from tests.unit.cli.runner import Cli

pytestmark = pytest.mark.timeout(300)


def _pfs(repo: str = "images", glob: object = "/*", **more: Any) -> dict[str, Any]:
    return {"pfs": {"repo": repo, "glob": glob, **more}}


def _spec(name: str = "bad", **changes: Any) -> dict[str, Any]:
    return {
        "pipeline": {"name": name},
        "transform": {"cmd": ["true"]},
        "input": _pfs(),
        **changes,
    }


# Refused by the spec alone: what, the field, the way out.
BAD: dict[str, tuple[Any, str, str]] = {
    "a typo at the top": (_spec(datum_trys=3), "datum_trys", "did you mean 'datum_tries'?"),
    "a typo in camelCase": (_spec(parallelismSpek={}), "parallelismSpek", "'parallelismSpec'?"),
    "a typo inside": (
        _spec(transform={"cmd": ["x"], "sdtin": ["y"]}), "transform.sdtin", "did you mean 'stdin'?",
    ),
    "a typo in an input": (_spec(input=_pfs(gblo="/")), "input.pfs.gblo", "did you mean 'glob'?"),
    "a typo in a part": (
        _spec(input={"cross": [_pfs(), {"pfz": {}}]}), "input.cross[1].pfz", "did you mean 'pfs'?",
    ),
    "a wrong type": (_spec(input=_pfs(glob=7)), "input.pfs.glob", 'put it in quotes: "7"'),
    "text for a list": (_spec(transform={"cmd": "ls"}), "transform.cmd", "put [ and ] around it"),
    "no unit": (_spec(datum_timeout=90), "datum_timeout", 'write "90s"'),
    "two kinds of input": (
        _spec(input={**_pfs(), "cross": [_pfs()]}), "input", "has 2 kinds (pfs, cross)",
    ),
    "no kind of input": (_spec(input={}), "input", "exactly one is wanted"),
    "no input": ({"pipeline": {"name": "bad"}, "transform": {"cmd": ["x"]}}, "input", "is missing"),
    "its own output": (_spec(input=_pfs("bad")), "input.pfs.repo", "cannot read itself"),
    "a glob that does not compile": (
        _spec(input=_pfs(glob="/[a")), "input.pfs.glob", "character 2",
    ),
    "a bracket too many": (_spec(input=_pfs(glob="/a)")), "input.pfs.glob", "character 3"),
    "a group that is not there": (
        _spec(input={"group": [_pfs(glob="/(*)-*", group_by="$2")]}),
        "input.group[0].pfs.group_by", "names group 2, but its glob has 1",
    ),
    "a join without keys": (
        _spec(input={"join": [_pfs("a"), _pfs("b")]}), "input.join[0].pfs.join_on",
        '"join_on": "$1"',
    ),
    "one name twice": (
        _spec(input={"cross": [_pfs(), _pfs()]}), "input.cross[1]",
        'give one of them another "name"',
    ),
    "an input named out": (_spec(input=_pfs(name="out")), "input.pfs.name", 'another "name"'),
    "no cron line": (
        _spec(input={"cron": {"name": "t", "spec": "every day"}}), "input.cron.spec", '"@daily"',
    ),
    "a cron line that never ticks": (
        _spec(input={"cron": {"name": "t", "spec": "0 0 30 2 *"}}), "input.cron.spec",
        "never ticks",
    ),
    "s3 with a glob": (_spec(input=_pfs(s3=True)), "input.pfs.glob", 'write "/"'),
    "s3 in a union": (
        _spec(input={"union": [_pfs(glob="/", s3=True)]}), "input.union[0].pfs.s3", "in a cross",
    ),
    "a commit as input": (_spec(input=_pfs(commit="x")), "input.pfs.commit", "pfs create branch"),
    "a secret without a key": (
        _spec(transform={"cmd": ["x"], "secrets": [{"name": "db", "env_var": "PW"}]}),
        "transform.secrets[0]", "name the key",
    ),
    "a secret to nowhere": (
        _spec(transform={"cmd": ["x"], "secrets": [{"name": "db"}]}),
        "transform.secrets[0]", "mount_path nor env_var",
    ),
    "a patch that is no JSON": (_spec(pod_patch="{"), "pod_patch", "is not JSON"),
    "a trigger without conditions": (
        _spec(input=_pfs(trigger={"branch": "s"})), "input.pfs.trigger", "has no condition",
    ),
    "a spout with an input": (_spec(spout={}), "input", "leave the spout out"),
    "git": (_spec(input={"git": {"URL": "x"}}), "input.git", "pfs put file -r"),
    "a name that is illegal": (_spec("a.b"), "pipeline.name", "letters, digits"),
    "a name too long": (_spec("a" * 52), "pipeline.name", "at most 51"),
}  # fmt: skip

COMMANDS = ("validate pipeline", "create pipeline", "create pipeline --dry-run", "update pipeline",
            "list datum")  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(folder=tmp_path_factory.mktemp("specs"))
    shell.ok("create", "repo", "images")
    shell.write("a", "x")
    shell.ok("put", "file", "images@master:/a", "-f", "a")
    return shell


@pytest.fixture
def pfs(place: Shell, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return here(place, monkeypatch)


def _assert_untouched(pfs: Cli) -> None:
    assert pfs.ok("list", "pipeline").out == ""
    assert [repo["name"] for repo in pfs.ok("list", "repo", "-o", "json").json] == ["images"]
    branches = pfs.ok("list", "branch", "images", "-o", "json").json
    assert [branch["name"] for branch in branches] == ["master"]


def _refused(pfs: Cli, command: str, file: str) -> tuple[int, str, str]:
    done = pfs(*command.split(), "-f", file)
    [line] = [one for one in done.err.splitlines() if not one.startswith("warning: ")]
    message, _, code = line.removeprefix("error: ").rstrip("]").rpartition(" [")
    assert done.out == ""
    return done.code, message, code


@pytest.mark.parametrize("name", BAD)
def test_a_bad_spec_is_refused_by_every_command_that_reads_it(
    place: Shell, pfs: Cli, name: str
) -> None:
    document, field, way_out = BAD[name]
    file = place.write("bad.json", json.dumps([_spec("good"), document]))

    told = {command: _refused(pfs, command, file) for command in COMMANDS}

    assert len(set(told.values())) == 1, told
    code, message, word = told["validate pipeline"]
    assert (code, word) == (5, "spec-illegal")
    assert message.startswith("bad.json, spec 2: ")
    assert f"{field}" in message
    assert way_out in message
    _assert_untouched(pfs)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_spec_is_refused_by_python_as_by_the_command(
    place: Shell, pfs: Cli, name: str
) -> None:
    document, field, way_out = BAD[name]

    with Pfs(home=place.folder / "home") as python:
        for verb in (python.create_pipeline, python.update_pipeline, python.preview_datums):
            with pytest.raises(RefusedError) as raised:
                deque(verb([_spec("good"), document]), maxlen=0)
            assert raised.value.code == ErrorCode.SPEC_ILLEGAL
            assert field in str(raised.value)
            assert way_out in str(raised.value)
    _assert_untouched(pfs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"pipeline": ', "is neither JSON nor YAML: line 1, column "),
        ("pipeline: {name: e\n", "is neither JSON nor YAML: line "),
        ('{"pipeline": {"name": "a", "name": "b"}}', "has the key 'name' twice"),
        ("", "is empty: write at least one pipeline spec"),
        ("[1, 2]", "holds no object"),
        ("just words", "holds no object"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_place(
    place: Shell, pfs: Cli, text: str, message: str
) -> None:
    file = place.write("broken.json", text)

    for command in COMMANDS:
        code, told, word = _refused(pfs, command, file)
        assert (code, word) == (5, "spec-illegal")
        assert message in told
    _assert_untouched(pfs)


@pytest.mark.parametrize(
    ("document", "code", "word", "text"),
    [
        (_spec(input=_pfs("nowhere")), 3, "repo-not-found", "nowhere"),
        (_spec(input={"cross": [_pfs(), _pfs("nowhere")]}), 3, "repo-not-found", "nowhere"),
        (_spec(input=_pfs(project="lab")), 3, "repo-not-found", "lab/images"),
        (_spec(pipeline={"name": "bad", "project": "lab"}), 3, "project-not-found", "lab"),
        (_spec("images", input=_pfs("good")), 4, "repo-exists", "images"),
        (
            _spec(input={"cross": [_pfs(), _pfs(name="b", branch="other")]}),
            5, "provenance-illegal", "branches of one repo",
        ),
        (
            _spec(input=_pfs("good", trigger={"branch": "x", "commits": 1}, branch="master")),
            5, "provenance-illegal", "leave the input's branch out",
        ),
    ],
    ids=["repo", "repo-in-a-cross", "repo-of-a-project", "project", "name", "branches", "trigger"],
)  # fmt: skip
def test_what_only_the_catalog_knows_is_refused_when_it_is_made(
    place: Shell, pfs: Cli, document: dict[str, Any], code: int, word: str, text: str
) -> None:
    specs = [_spec("good"), document]
    file = place.write("bad.json", json.dumps(specs))

    assert pfs("validate", "pipeline", "-f", file).code == 0
    for command in ("create pipeline", "create pipeline --dry-run", "update pipeline"):
        told = _refused(pfs, command, file)
        assert (told[0], told[2]) == (code, word)
        assert text in told[1]
    with Pfs(home=place.folder / "home") as python, pytest.raises(PfsError) as raised:
        python.create_pipeline(specs)
    assert (raised.value.code, exit_code(raised.value)) == (word, code)
    assert text in str(raised.value)
    _assert_untouched(pfs)


def test_a_cycle_is_refused_and_names_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(folder=tmp_path)
    pfs = here(shell, monkeypatch)
    pfs.ok("create", "repo", "images")
    shell.write("chain.json", json.dumps([_spec("a"), _spec("b", input=_pfs("a"))]))
    pfs.ok("create", "pipeline", "-f", "chain.json")
    before = pfs.ok("list", "pipeline", "-o", "json").out
    shell.write("cycle.json", json.dumps(_spec("a", input={"cross": [_pfs(), _pfs("b")]})))

    code, message, word = _refused(pfs, "update pipeline", "cycle.json")

    assert (code, word) == (5, "provenance-illegal")
    assert "b@master depends on a@master already" in message
    with Pfs(home=shell.folder / "home") as python, pytest.raises(RefusedError) as raised:
        python.update_pipeline(str(shell.folder / "cycle.json"))
    assert str(raised.value) == message
    assert pfs.ok("list", "pipeline", "-o", "json").out == before


def test_a_secret_that_this_machine_cannot_give_fails_the_job_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(folder=tmp_path)
    pfs = here(shell, monkeypatch)
    pfs.ok("create", "repo", "images")
    shell.write("a", "x")
    pfs.ok("put", "file", "images@master:/a", "-f", "a")
    secrets = [{"name": "db", "key": "password", "env_var": "PW"}]
    wanting = _spec("wanting", transform={"cmd": ["true"], "secrets": secrets})
    shell.write("two.json", json.dumps([wanting, _spec("other")]))
    pfs.ok("create", "pipeline", "-f", "two.json")

    assert pfs("run").code == 1

    jobs = {job["pipeline"]: job for job in pfs.ok("list", "job", "-o", "json").json}
    assert jobs["other"]["state"] == "success"
    assert jobs["wanting"]["state"] == "failure"
    assert jobs["wanting"]["reason"].startswith("transform.secrets[0].env_var: ")
    assert "the secret 'db' with the key 'password'" in jobs["wanting"]["reason"]


def test_datums_are_listed_before_there_is_a_pipeline_with_all_its_inputs(
    place: Shell, pfs: Cli
) -> None:
    cron = {"cron": {"name": "t", "spec": "@daily"}}
    file = place.write("tick.json", json.dumps(_spec(input={"union": [_pfs(), cron]})))

    found = pfs.ok("list", "datum", "-f", file, "-o", "json").json

    assert [one["state"] for one in found] == ["unknown"]  # the file; no tick yet
    _assert_untouched(pfs)
