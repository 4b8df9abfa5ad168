from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from pfs_provider.airflow.decorators.pfs_map import pfs_map_task
from pfs_provider.errors import RefusedError
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context

LIMIT = 3


def loud(images: Path, out: Path, mark: str = "!") -> None:
    for path in images.rglob("*"):
        (out / path.name).write_text(path.read_text().upper() + mark)


def _task(
    function: Any = loud, *args: Any, called: dict[str, Any] | None = None, **kwargs: Any
) -> Any:
    with DAG("maps", schedule=None):
        return pfs_map_task(function, **kwargs)(**(called or {})).operator


def _read(home: Path, address: str) -> str:
    with Pfs(home=home) as pfs:
        return pfs.read_file(address).decode()


def _put(home: Path, **files: str) -> None:
    with Pfs(home=home) as pfs:
        if not list(pfs.list_repos()):
            pfs.create_repo("images")
        with pfs.commit("images@master") as commit:
            for name, text in files.items():
                commit.put_file(f"/{name}", text.encode())


def test_a_function_works_each_datum_and_its_output_is_a_commit(pfs_home: Path) -> None:
    _put(pfs_home, a="one", b="two")

    (commit,) = _task(input="images").execute(task_context())

    assert _read(pfs_home, f"{commit}:/a") == "ONE!"
    assert _read(pfs_home, "loud@master:/b") == "TWO!"


def test_only_what_is_new_is_worked_until_the_code_or_an_argument_changes(pfs_home: Path) -> None:
    _put(pfs_home, a="one")
    _task(input="images").execute(task_context())

    _put(pfs_home, b="two")
    _task(input="images").execute(task_context())
    _task(input="images", called={"mark": "?"}).execute(task_context())

    with Pfs(home=pfs_home) as pfs:
        third, second, first = pfs.list_jobs("loud")
    assert [(job.processed, job.skipped) for job in (first, second, third)] == [
        (1, 0), (1, 1), (2, 0)
    ]  # fmt: skip
    assert _read(pfs_home, "loud@master:/a") == "ONE?"


def test_the_output_the_input_and_more_of_the_spec_can_be_said() -> None:
    task = _task(
        input={"pfs": {"repo": "pictures", "name": "images", "glob": "/"}},
        output="vision/loud",
        image="python:3",
        launcher="kubernetes",
        env={"A": "b"},
        spec={"datum_tries": 1, "transform": {"user": "1000"}},
    )

    spec = task._spec()

    assert task.pipeline == "vision/loud"
    assert spec["pipeline"] == {"name": "loud", "project": {"name": "vision"}}
    assert spec["datum_tries"] == 1
    transform = dict(spec["transform"])
    assert "images=_root / 'images'," in "".join(transform.pop("stdin"))
    assert transform == {
        "cmd": ["python3", "-"], "image": "python:3", "env": {"A": "b"}, "user": "1000"
    }  # fmt: skip


def test_a_function_that_cannot_be_shipped_is_refused_when_the_dag_is_parsed() -> None:
    def limited(out: Path) -> None:
        (out / "x").write_text(str(LIMIT))

    with pytest.raises(RefusedError, match="uses LIMIT of its module"):
        _task(limited, input="images")


def test_a_call_without_an_argument_that_is_needed_is_refused_when_the_dag_is_parsed() -> None:
    def sized(images: Path, size: int) -> None:
        print(images, size)  # noqa: T201

    with pytest.raises(TypeError, match="size"):
        _task(sized, input="images")
