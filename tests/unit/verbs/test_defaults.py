"""Defaults of specs through the façade. Source: semantics 5.1 (2.8 and later)."""

from typing import Any

import pytest

from pfs_provider.errors import ConflictError, NotFoundError, RefusedError
from tests.pfs_world import PfsWorld, counts, spec


def _tries(world: PfsWorld, name: str) -> int:
    return int(world.pfs.pipeline_spec(name).get("datum_tries", 3))


def test_there_are_none_at_first(world: PfsWorld) -> None:
    assert world.pfs.inspect_defaults() == {}
    assert world.pfs.inspect_defaults("default") == {}
    with pytest.raises(NotFoundError, match="project nowhere does not exist"):
        world.pfs.inspect_defaults("nowhere")


def test_a_projects_defaults_stand_above_those_of_all(world: PfsWorld) -> None:
    world.pfs.create_project("lab")
    world.pfs.create_repo("lab/in")
    world.pfs.update_defaults({"createPipelineRequest": {"datumTries": "5", "job_timeout": "1h"}})
    world.pfs.update_defaults({"datum_tries": 7}, project="lab")

    world.pfs.create_pipeline(spec("up"))
    inner = spec("up") | {"pipeline": {"name": "up", "project": "lab"}}
    world.pfs.create_pipeline(inner)

    assert (_tries(world, "up"), _tries(world, "lab/up")) == (5, 7)
    assert world.pfs.pipeline_spec("lab/up")["job_timeout"] == "3600s"
    assert world.pfs.inspect_defaults() == {"datum_tries": "5", "job_timeout": "1h"}


def test_new_defaults_wait_for_the_next_update(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline([spec("up"), spec("fixed", datum_tries=4)])

    changed = world.pfs.update_defaults({"datum_tries": 5})

    assert changed == ["up"]
    assert (_tries(world, "up"), world.pfs.inspect_pipeline("up").version) == (3, 1)
    world.pfs.update_pipeline(world.pfs.pipeline_spec("up", user=True))
    assert _tries(world, "up") == 5


def test_regenerating_gives_new_versions_to_those_that_change(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline([spec("up"), spec("fixed", datum_tries=4)])
    world.run()

    assert world.pfs.update_defaults({"datum_tries": 5}, regenerate=True) == ["up"]
    assert (_tries(world, "up"), _tries(world, "fixed")) == (5, 4)
    assert [p.version for p in world.pfs.list_pipelines()] == [1, 2]
    assert counts(world.run_one()) == "0+1+0+0/1"

    assert world.pfs.delete_defaults(regenerate=True) == ["up"]
    assert (_tries(world, "up"), world.pfs.inspect_defaults()) == (3, {})


def test_regenerating_may_reprocess(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()

    world.pfs.update_defaults({"datum_tries": 5}, regenerate=True, reprocess=True)

    assert counts(world.run_one()) == "1+0+0+0/1"


def test_a_dry_run_says_what_would_change(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up"))

    assert world.pfs.update_defaults({"datum_tries": 5}, regenerate=True, dry_run=True) == ["up"]
    assert world.pfs.inspect_defaults() == {}
    assert _tries(world, "up") == 3


@pytest.mark.parametrize(
    ("defaults", "project", "error"),
    [
        ({"datum_trys": 5}, None, RefusedError),
        ({"input": {"pfs": {}}}, None, RefusedError),
        ({"datum_tries": 5}, "nowhere", NotFoundError),
        ({"service": {"internal_port": 80}}, None, RefusedError),
    ],
)
def test_defaults_that_cannot_be_taken_change_nothing(
    world: PfsWorld, defaults: dict[str, Any], project: str | None, error: type[Exception]
) -> None:
    world.pfs.create_pipeline(spec("up", parallelism_spec={"constant": 2}))

    with pytest.raises(error):
        world.pfs.update_defaults(defaults, project=project, regenerate=True)

    assert world.pfs.inspect_defaults() == {}
    assert world.pfs.inspect_pipeline("up").version == 1


def test_running_again_keeps_the_spec_whatever_the_defaults_are(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.pfs.update_defaults({"datum_tries": 5})

    world.pfs.rerun_pipeline("up", reprocess=True)

    assert _tries(world, "up") == 3
    assert "datum_tries" not in world.pfs.pipeline_spec("up", user=True)


def test_defaults_are_no_part_of_a_transaction(world: PfsWorld) -> None:
    with world.pfs.transaction(), pytest.raises(ConflictError, match="transaction is open"):
        world.pfs.update_defaults({"datum_tries": 5})


def test_a_deleted_project_takes_its_defaults_along(world: PfsWorld) -> None:
    world.pfs.create_project("lab")
    world.pfs.update_defaults({"datum_tries": 5}, project="lab")
    world.pfs.delete_project("lab")
    world.pfs.create_project("lab")

    assert world.pfs.inspect_defaults("lab") == {}
