import pytest

from tests.unit.cli.runner import Cli


@pytest.mark.parametrize("step", ["plan", "work", "finish"])
def test_a_step_needs_a_job_that_is_there(cli: Cli, step: str) -> None:
    assert cli("job", step, f"edges@{'1' * 32}").code in {3, 4}
    assert cli("job", step, "edges").code == 5


def test_a_plan_says_how_much_there_is_to_do(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)
    job = f"edges@{images.ok('list', 'job', '-o', 'json').json[0]['id']}"

    plan = images.ok("job", "plan", job, "-o", "json").json[0]

    assert (plan["job"], plan["total"], plan["skipped"]) == (job, 2, 0)
    assert plan["workers"] >= 1
    assert images.ok("job", "plan", job, "-o", "json").json[0] == plan
