import re
from typing import Any

from pfs_provider.argo.access import ACCOUNT, SUBMITTER, build_access, build_catch_up, build_events
from pfs_provider.argo.names import PIPELINE, PIPELINES
from pfs_provider.argo.submission import payload
from pfs_provider.jobs.keys import JobRef
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey


def _rights(name: str, *, with_jobs: bool = True) -> set[str]:
    roles = [part for part in build_access(with_jobs=with_jobs) if part["kind"] == "Role"]
    (role,) = (part for part in roles if part["metadata"]["name"] == name)
    return {
        f"{resource}/{verb}"
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_each_account_has_what_it_needs_and_no_more() -> None:
    reports = {"workflowtaskresults/create", "workflowtaskresults/patch"}
    reports |= {"pods/list", "pods/delete", "pods/status/patch", "events/list"}

    assert _rights(SUBMITTER) == {"workflows/create"}
    assert _rights(ACCOUNT, with_jobs=False) == reports
    assert _rights(ACCOUNT) - reports == {
        f"jobs/{verb}" for verb in ("create", "get", "list", "patch", "delete")
    }


def test_the_catch_up_runs_whatever_is_ready_and_never_twice_at_once() -> None:
    spec = build_catch_up()["spec"]

    assert spec["workflowSpec"] == {"workflowTemplateRef": {"name": PIPELINES}}
    assert spec["concurrencyPolicy"] == "Forbid"


def test_what_a_sensor_fills_in_are_the_places_of_the_parameters_it_names() -> None:
    _, sensor = build_events()
    trigger = sensor["spec"]["triggers"][0]["template"]["k8s"]
    workflow = trigger["source"]["resource"]
    parameters = workflow["spec"]["arguments"]["parameters"]

    places = {part["src"]["dataKey"]: part["dest"] for part in trigger["parameters"]}

    assert workflow["spec"]["workflowTemplateRef"]["name"] == PIPELINE
    assert places.pop("body.workflow") == "metadata.name"
    for key, place in places.items():
        number = int(place.split(".")[3])
        assert parameters[number]["name"] == key.removeprefix("body.")


def test_a_payload_without_its_fields_or_with_others_in_them_starts_nothing() -> None:
    _, sensor = build_events()
    filters = sensor["spec"]["dependencies"][0]["filters"]["data"]
    job = JobRef(PipelineKey("default", "edges"), CommitId("0" * 32))
    told = payload(job)

    assert passes(filters, told)
    for name in told:
        assert not passes(filters, {key: value for key, value in told.items() if key != name})
    for name, wrong in [
        *(
            ("workflow", text)
            for text in ("", "x-edges-1", "pfs-", "pfs-a/../b", "pfs-" + "a" * 60)
        ),
        *(("pipeline", text) for text in ("", "a/b/c", "a b", "{{workflow.name}}", "edges\nx")),
        *(("job", text) for text in ("", "latest", "0" * 31, "G" * 32)),
    ]:
        assert not passes(filters, told | {name: wrong}), (name, wrong)


def passes(filters: list[dict[str, Any]], body: dict[str, str]) -> bool:
    """Tell what Argo Events 1.9 does: a missing path is an error, all filters have to match."""
    return all(
        part["type"] == "string"
        and (value := body.get(part["path"].removeprefix("body."))) is not None
        # Go's $ is the end of the text, where Python's may be before a last newline.
        and any(re.search(pattern.replace("$", r"\Z"), value) for pattern in part["value"])
        for part in filters
    )
