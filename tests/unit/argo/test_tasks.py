from typing import Any

import pytest
from hera.workflows import DAG, Steps, Workflow

from pfs_provider.argo.checking import find_problems
from pfs_provider.argo.tasks import PfsCheckout, PfsCommit, PfsMap, PfsPipeline, PfsPipelines
from pfs_provider.argo.templates import build_templates
from tests.unit.argo.documents import judge


def _check(workflow: Workflow, *, cluster: bool) -> dict[str, Any]:
    document: dict[str, Any] = workflow.to_dict()
    document["metadata"]["name"] = "w"
    assert find_problems([document], known=build_templates(cluster=cluster)) == []
    assert list(judge("workflows").find_problems(document)) == []
    return document


@pytest.mark.parametrize("cluster", [False, True], ids=["namespace", "cluster"])
def test_tasks_of_a_dag_refer_to_templates_that_take_what_they_give(cluster: bool) -> None:
    with (
        Workflow(generate_name="w-", entrypoint="main") as workflow,
        DAG(name="main"),
    ):
        edges = PfsPipeline(name="edges", workers=3, max_pods=5, cluster=cluster)
        sizes = PfsMap(
            name="sizes", input=edges.commit, image="i:1", command="true", cluster=cluster
        )
        read = PfsCheckout(name="read", ref=sizes.commit, claim="c", cluster=cluster)
        write = PfsCommit(
            name="write", branch="r@b", claim="c", provenance=(read.commit,), cluster=cluster
        )
        rest = PfsPipelines(name="rest", cluster=cluster)
        edges >> sizes
        sizes >> read
        read >> write
        write >> rest

    document = _check(workflow, cluster=cluster)

    tasks = {task["name"]: task for task in document["spec"]["templates"][0]["dag"]["tasks"]}
    given = {part["name"]: part["value"] for part in tasks["edges"]["arguments"]["parameters"]}
    assert given == {"pipeline": "edges", "workers": "3", "max-pods": "5"}
    (read_from,) = (
        part["value"]
        for part in tasks["sizes"]["arguments"]["parameters"]
        if part["name"] == "input"
    )
    assert read_from == "{{tasks.edges.outputs.parameters.commit}}"


def test_a_task_is_a_step_of_steps_as_well() -> None:
    edges = PfsPipeline(name="run-edges", pipeline="p/edges", job="{{workflow.uid}}")
    with (
        Workflow(generate_name="w-", entrypoint="main") as workflow,
        Steps(name="main"),
    ):
        edges.as_step()

    document = _check(workflow, cluster=False)

    ((step,),) = document["spec"]["templates"][0]["steps"]
    assert step["templateRef"] == {"name": "pfs-pipeline", "template": "run"}
    assert step["arguments"]["parameters"][0] == {"name": "pipeline", "value": "p/edges"}
