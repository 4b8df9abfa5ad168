from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.pfs import Pfs
from pfs_provider.verbs.registration import input_names, input_spec, output_fields, register


def _spec(command: str = "true", output: str = "up") -> dict[str, Any]:
    return {
        "pipeline": output_fields(output),
        "input": input_spec("images"),
        "transform": {"cmd": ["sh", "-c", command]},
    }


@pytest.mark.parametrize(
    ("given", "leaf"),
    [
        ("images", {"repo": "images", "glob": "/*"}),
        ("images@dev", {"repo": "images", "glob": "/*", "branch": "dev"}),
        ("images:/", {"repo": "images", "glob": "/"}),
        (
            "vision/images@dev:/**.png",
            {"repo": "images", "project": "vision", "branch": "dev", "glob": "/**.png"},
        ),
    ],
)
def test_an_input_in_short_is_the_spec_s(given: str, leaf: dict[str, str]) -> None:
    assert input_spec(given) == {"pfs": leaf}


def test_names_of_inputs_are_found_at_any_depth() -> None:
    node = {"cross": [{"pfs": {"repo": "a"}}, {"join": [{"pfs": {"repo": "b", "name": "c"}}]}]}

    assert input_names(node) == ("a", "c")


def test_the_same_again_changes_nothing_and_another_spec_is_a_new_version(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")

        assert register(pfs, _spec(), by="Airflow", source="dag/task").name == "up"
        register(pfs, _spec(), by="Airflow", source="dag/task")
        assert pfs.inspect_pipeline("up").version == 1
        register(pfs, _spec("false"), by="Airflow", source="dag/task")
        assert pfs.inspect_pipeline("up").version == 2


def test_a_pipeline_of_somebody_else_is_left_alone(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(_spec())

        with pytest.raises(ConflictError) as caught:
            register(pfs, _spec("false"), by="Airflow", source="dag/task")

        assert caught.value.code == ErrorCode.PIPELINE_EXISTS
        assert pfs.inspect_pipeline("up").version == 1
