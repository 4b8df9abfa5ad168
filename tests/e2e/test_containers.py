"""`pfs run --executor container`: the real program, a real engine, an image from no registry."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.containers import find_image, find_test_engine, host_tools, list_containers
from tests.e2e.shell import Shell

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.timeout(600)  # an engine that starts containers on a busy machine

QUIET = {"PFS_CONTAINER_OPTIONS": "--network none", "PFS_CONTAINER_PULL": "never"}


def _shell(folder: Path, transform: str, *, more: str = "", **env: str) -> Shell:
    """Return a person with a repo `in` of two files and a pipeline `up` over them."""
    shell = Shell(folder=folder, env=QUIET | env)
    shell.ok("create", "repo", "in")
    for name in ("a", "b"):
        shell.write(f"files/{name}", f"{name}\n")
    shell.ok("put", "file", "in@master", "-r", "-f", "files")
    spec = f'pipeline: {{name: up}}\ninput: {{pfs: {{repo: in, glob: "/*"}}}}\n{more}\n{transform}'
    shell.ok("create", "pipeline", "-f", shell.write("spec.yaml", spec))
    return shell


def _labelled(name: str) -> list[str]:
    return list_containers(find_test_engine(), f"label={name}")


def test_a_pipeline_runs_in_its_image(tmp_path: Path) -> None:
    label = f"pfs.test={os.getpid()}.{time.monotonic_ns()}"
    shell = _shell(
        tmp_path,
        f"""
transform:
  image: {find_image()}
  user: worker
  cmd: [sh]
  env: {{MINE: set}}
  stdin:
    - set -e
    - 'echo "$(id -un) $(pwd) $GREETING $MINE" > /pfs/out/$PFS_DATUM_ID'
    - 'for file in /pfs/in/*; do tr a-z A-Z < "$file" > /pfs/out/$(basename "$file"); done'
    - '! ls {tmp_path}'
    - '! env | grep -i secret'
  memory_volume: true
""",
        more='resource_limits: {memory: "128Mi", cpu: "500m"}',
        PFS_CONTAINER_OPTIONS=f"--network none --label {label}",
        AWS_SECRET_ACCESS_KEY="secret",
    )

    (job,) = shell.json("run", "--executor", "container")

    assert (job["state"], job["processed"]) == ("success", 2)
    assert shell.ok("get", "file", "up@master:/a") == "A\n"
    assert shell.ok("get", "file", "up@master:/b") == "B\n"
    said = {
        shell.ok("get", "file", f"up@master:{file['path']}")
        for file in shell.json("list", "file", "up@master")
        if len(file["path"]) > len("/a")
    }
    assert said == {"worker /work hello set\n"}
    assert _labelled(label) == []


def test_a_program_that_stays_up_is_started_once_in_its_container(tmp_path: Path) -> None:
    shell = _shell(
        tmp_path,
        f"""
transform:
  image: {find_image()}
  user: worker
  cmd: [sh]
  stdin:
    - echo begun
    - while pfs next datum
    - do . /pfs/.env; cp $in /pfs/out/; echo "$PFS_DATUM_ID" >> /pfs/out/ids
    - done
  datum_batching: true
""",
        more="output_conflict: concat\nparallelism_spec: {constant: 1}",
    )

    (job,) = shell.json("run", "--executor", "container")

    assert (job["state"], job["processed"]) == ("success", 2)
    assert shell.ok("get", "file", "up@master:/a") == "a\n"
    assert len(set(shell.ok("get", "file", "up@master:/ids").split())) == 2
    assert shell.ok("logs", "--pipeline", "up").count("begun") == 1


def test_a_command_that_the_image_lacks_fails_its_datums_by_name(tmp_path: Path) -> None:
    shell = _shell(tmp_path, f"transform: {{image: {find_image()}, cmd: [no-such-tool]}}")

    done = shell.pfs("run", "--executor", "container", "-o", "json")

    assert done.returncode == 1
    assert b"no-such-tool" in done.stdout


def test_a_killed_run_leaves_no_container(tmp_path: Path) -> None:
    label = f"pfs.test={os.getpid()}.{time.monotonic_ns()}"
    shell = _shell(
        tmp_path,
        f'transform: {{image: {find_image()}, cmd: [sh, -c, "sleep 1000"]}}',
        PFS_CONTAINER_OPTIONS=f"--network none --label {label}",
    )
    running = shell.start("run", "--executor", "container")
    try:
        _wait_for(lambda: _labelled(label) != [])
    finally:
        running.kill()
        running.communicate()

    _wait_for(lambda: _labelled(label) == [])


@pytest.mark.parametrize(
    ("transform", "env", "said"),
    [
        ("{cmd: [sh]}", {}, "PFS_CONTAINER_IMAGE"),
        ("{image: localhost/pfs-no-such, cmd: [sh]}", {}, "PFS_CONTAINER_PULL says never"),
        (
            "{image: x, cmd: [sh], secrets: [{name: db, key: k, env_var: K}]}",
            {},
            "transform.secrets",
        ),
        ("{image: x, cmd: [sh]}", {"PFS_CONTAINER_ENGINE": "lxc"}, "neither docker nor podman"),
        ("{image: x, cmd: [sh]}", {"PFS_CONTAINER_PULL": "often"}, "container_pull"),
        ("{image: x, cmd: [sh]}", {"PFS_CONTAINER_OPTIONS": "'"}, "container_options"),
    ],
)
def test_what_is_missing_is_one_sentence_with_the_way_out(
    tmp_path: Path, transform: str, env: dict[str, str], said: str
) -> None:
    find_test_engine()
    shell = _shell(tmp_path, f"transform: {transform}")

    done = Shell(folder=tmp_path, env=QUIET | env).pfs("run", "--executor", "container")

    assert done.returncode != 0
    assert said in _told(shell, done)


def test_without_an_engine_the_way_to_one_is_told(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "transform: {image: x, cmd: [sh]}", PATH=str(tmp_path))

    done = shell.pfs("run", "--executor", "container")

    assert done.returncode != 0
    assert "apt-get install podman" in done.stderr.decode()


MODULE = """\
import re

LETTERS = re.compile("[a-z]+")


def clean(text):
    return " ".join(LETTERS.findall(text.lower()))


def normal(texts, out):
    for path in texts.iterdir():
        (out / path.name).write_text(clean(path.read_text()))
"""


def test_a_function_of_a_module_is_imported_from_the_image_that_holds_it(tmp_path: Path) -> None:
    image = find_image(words=MODULE)
    options = " ".join(["--network none", *host_tools()])  # the image's Python is the machine's
    shell = Shell(folder=tmp_path, env=QUIET | {"PFS_CONTAINER_OPTIONS": options})
    shell.write("words.py", MODULE)
    shell.ok("create", "repo", "texts")
    shell.ok("put", "file", "texts@master:/zen", "-f", "-", stdin=b"Now is better, than NEVER.\n")
    call = ("words:normal", "--input", "texts", "--output", "clean", "--image", image)

    shell.ok("map", *call, "--python", "/usr/bin/python3")
    (job,) = shell.json("run", "--executor", "container")

    assert (job["state"], job["processed"]) == ("success", 1)
    assert shell.ok("get", "file", "clean@master:/zen") == "now is better than never"

    shell.write("words.py", MODULE.replace("lower", "upper"))
    shell.ok("map", *call, "--python", "/usr/bin/python3")
    done = shell.pfs("run", "--executor", "container", "-o", "json")

    assert done.returncode == 1
    said = shell.ok("logs", "--pipeline", "clean")
    assert "words:clean is another here than when its pipeline was made" in said


def _told(shell: Shell, done: "subprocess.CompletedProcess[bytes]") -> str:
    """Return what was said, on the terminal or of the job."""
    jobs = shell.pfs("list", "job", "-o", "json").stdout
    return (done.stderr + done.stdout + jobs).decode()


def _wait_for(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
