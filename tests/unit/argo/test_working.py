import re
from typing import Any

import pytest

from pfs_provider.argo.working import (
    begin_outputs,
    build_finish,
    build_keep,
    build_work,
    build_work_job,
    finish_step,
    work_steps,
)


def test_the_pod_of_a_worker_is_what_begin_says() -> None:
    work = build_work()

    assert work.pod_spec_patch == "{{inputs.parameters.pod}}"
    assert work.active_deadline_seconds is not None
    assert [part.name for part in work.init_containers or []] == ["install"]


def test_workers_are_pods_or_a_job_and_their_end_does_not_end_the_workflow() -> None:
    keep, pods, job = work_steps()

    assert pods.with_sequence is not None
    assert job.when == "{{steps.begin.outputs.parameters.jobs}} > 0"
    assert all(part.continue_on and part.continue_on.failed for part in (keep, pods, job))
    assert finish_step().continue_on is None


def test_a_job_that_is_there_is_adopted_and_goes_with_its_workflow() -> None:
    resource = build_work_job().resource

    assert resource is not None
    assert (resource.action, resource.set_owner_reference) == ("apply", True)
    assert resource.success_condition == "status.succeeded == {{inputs.parameters.workers}}"


@pytest.mark.parametrize(
    ("status", "is_failed"),
    [
        ({}, False),
        ({"active": 2, "failedIndexes": ""}, False),
        ({"active": 1, "failed": 3, "failedIndexes": "0"}, False),
        ({"failedIndexes": "", "conditions": [{"type": "SuccessCriteriaMet"}]}, False),
        ({"failedIndexes": "0", "conditions": [{"type": "FailureTarget"}]}, True),
        ({"conditions": [{"type": "Suspended"}, {"type": "Failed"}]}, True),
    ],
    ids=["new", "at work", "one lost", "done", "over", "over after a pause"],
)
def test_a_job_fails_when_kubernetes_says_so_and_not_before(
    status: dict[str, Any], is_failed: bool
) -> None:
    resource = build_work_job().resource
    assert resource is not None
    assert resource.failure_condition is not None

    # As Argo does: each requirement of a label selector alone, over gjson's paths.
    found = re.findall(r"status\.conditions\.(\d)\.type in \(([^)]*)\)", resource.failure_condition)
    types = {int(number): set(values.split(",")) for number, values in found}
    conditions = dict(enumerate(part["type"] for part in status.get("conditions", ())))

    assert len(types) == resource.failure_condition.count(" in ") == 3
    assert any(conditions.get(number) in wanted for number, wanted in types.items()) == is_failed


def test_what_begin_gives_is_what_the_other_steps_take() -> None:
    given = {part.name for part in begin_outputs().parameters or []}
    taken = {
        part.name
        for template in (build_work(), build_work_job(), build_finish())
        for part in (template.inputs.parameters if template.inputs else None) or []
    }

    assert taken - given == {"number"}


def test_a_job_is_kept_as_long_as_the_steps_around_it_run() -> None:
    keep = build_keep()

    assert keep.daemon is True
    assert work_steps()[0].when == "{{steps.begin.outputs.parameters.workers}} > 0"
