from typing import Any

import pytest

from pfs_provider.argo.names import CHECKOUT, COMMIT, MAP, PIPELINE, PIPELINES
from pfs_provider.argo.templates import build_templates


@pytest.fixture(params=[False, True], ids=["namespace", "cluster"])
def templates(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return build_templates(cluster=request.param)


def _parts(templates: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [part for document in templates for part in document["spec"]["templates"]]
    return [part for part in found if kind in part]


def test_there_are_the_five_that_are_promised(templates: list[dict[str, Any]]) -> None:
    assert sorted(document["metadata"]["name"] for document in templates) == sorted(
        [CHECKOUT, COMMIT, MAP, PIPELINE, PIPELINES]
    )


def test_a_reference_has_the_scope_of_its_own_kind(templates: list[dict[str, Any]]) -> None:
    is_cluster = templates[0]["kind"] == "ClusterWorkflowTemplate"
    steps = [
        step for part in _parts(templates, "steps") for group in part["steps"] for step in group
    ]
    references = [step["templateRef"] for step in steps if "templateRef" in step]

    assert references
    assert all(bool(reference.get("clusterScope")) == is_cluster for reference in references)


def test_only_steps_of_ours_know_the_catalog(templates: list[dict[str, Any]]) -> None:
    knowing = {
        part["metadata"]["labels"]["pfs.step"]
        for part in _parts(templates, "container")
        if "pfs-catalog" in str(part["container"].get("envFrom"))
    }

    assert "work" not in knowing
    assert {"begin", "finish", "settle"} <= knowing


def test_every_knob_is_a_parameter_of_the_entrypoint(templates: list[dict[str, Any]]) -> None:
    for document in templates:
        spec = document["spec"]
        (entry,) = (part for part in spec["templates"] if part["name"] == spec["entrypoint"])
        assert spec["arguments"]["parameters"] == entry["inputs"]["parameters"]


def test_whoever_submits_chooses_neither_image_nor_secrets(templates: list[dict[str, Any]]) -> None:
    for part in _parts(templates, "container"):
        container = part["container"]
        assert "{{" not in container["image"]
        assert "{{" not in str(container.get("envFrom"))


def test_pods_are_cleared_away_and_workflows_end(templates: list[dict[str, Any]]) -> None:
    for document in templates:
        assert document["spec"]["podGC"]["strategy"] == "OnPodSuccess"
        assert document["spec"]["ttlStrategy"]["secondsAfterSuccess"] > 0
    assert all("retryStrategy" in part for part in _parts(templates, "container"))
