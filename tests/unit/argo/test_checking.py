from typing import Any

import pytest

from pfs_provider.argo.checking import find_problems


def template(**changes: Any) -> dict[str, Any]:
    work = {
        "name": "work",
        "inputs": {"parameters": [{"name": "x"}]},
        "outputs": {"parameters": [{"name": "y"}]},
        "container": {"image": "i:1", "args": ["{{inputs.parameters.x}}", "{{workflow.name}}"]},
    }
    step = {
        "name": "a",
        "template": "work",
        "arguments": {"parameters": [{"name": "x", "value": "{{inputs.parameters.x}}"}]},
    }
    run = {"name": "run", "inputs": {"parameters": [{"name": "x"}]}, "steps": [[step]]}
    spec: dict[str, Any] = {
        "entrypoint": "run",
        "arguments": {"parameters": [{"name": "x"}]},
        "templates": [run, work],
    }
    return {
        "kind": "WorkflowTemplate",
        "metadata": {"name": "t"},
        "spec": {**spec, **changes},
    }


def edit(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    holder: Any = document
    *parts, last = path.split("/")
    for part in parts:
        holder = holder[int(part)] if part.isdigit() else holder[part]
    holder[last] = value
    return document


def test_a_template_without_faults_has_none() -> None:
    assert find_problems([template()]) == []
    assert find_problems([{"kind": "Secret"}]) == []


STEP = "spec/templates/0/steps/0"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec/entrypoint", "ran", "entrypoint names the template 'ran'"),
        ("spec/entrypoint", None, "no entrypoint"),
        ("spec/onExit", "bye", "onExit names the template 'bye'"),
        ("spec/arguments", {}, "needs the parameter 'x', which is no argument"),
        ("spec/templates/1/name", "run", "two templates have one name"),
        ("spec/templates/1/container/args", ["{{inputs.parameters.z}}"], "no input parameter 'z'"),
        ("spec/templates/1/container/args", ["{{workflow.nam}}"], "no such variable"),
        ("spec/templates/1/container/args", ["{{workflow.parameters.q}}"], "no argument 'q'"),
        ("spec/templates/1/container/args", ["{{=inputs.parameters.z}}"], "no input parameter 'z'"),
        ("spec/templates/1/container/args", ["{{ x }}"], "no name of a variable"),
        ("spec/templates/1/container/args", ["{{steps.q.id}}"], "no step 'q'"),
        ("spec/templates/0/outputs", ["{{steps.a.outputs.parameters.q}}"], "no output 'q'"),
        ("spec/templates/0/outputs", ["{{steps.a.colour}}"], "a step has no 'colour'"),
        ("spec/templates/0/outputs", ["{{steps.a.b.c}}"], "no such variable"),
    ],
)
def test_each_fault_is_told_with_its_place(path: str, value: Any, said: str) -> None:
    found = find_problems([edit(template(), path, value)])

    assert any(said in problem and problem.startswith("WorkflowTemplate t: ") for problem in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"template": "wrok"}, "names the template 'wrok'"),
        ({"template": None, "templateRef": {"name": "u", "template": "run"}}, "names 'u'"),
        ({"template": None, "templateRef": {"name": "t", "template": "q"}}, "has no template 'q'"),
        ({"arguments": {}}, "does not give the parameter 'x'"),
        (
            {"arguments": {"parameters": [{"name": "x", "value": "1"}, {"name": "q"}]}},
            "gives 'q', which is no parameter there",
        ),
    ],
    ids=["template", "file", "template of a file", "missing", "unknown"],
)
def test_each_fault_of_a_step_is_told(change: dict[str, Any], said: str) -> None:
    document = template()
    document["spec"]["templates"][0]["steps"][0][0].update(change)

    assert any(said in problem for problem in find_problems([document]))


def test_a_workflow_may_refer_to_a_template_that_is_there_with_its_arguments() -> None:
    def workflow(name: str, *given: str, **more: Any) -> dict[str, Any]:
        parameters = [{"name": argument, "value": "1"} for argument in given]
        spec = {"workflowTemplateRef": {"name": name, **more}}
        return {
            "kind": "Workflow",
            "metadata": {"name": "w"},
            "spec": {**spec, "arguments": {"parameters": parameters}},
        }

    known = [template()]

    assert find_problems([workflow("t", "x")], known=known) == []
    assert find_problems([workflow("t")], known=known) == ["Workflow w: 't' needs the argument 'x'"]
    assert "no parameter of 't'" in find_problems([workflow("t", "x", "z")], known=known)[0]
    assert "does not exist" in find_problems([workflow("u", "x")], known=known)[0]
    assert (
        "does not exist" in find_problems([workflow("t", "x", clusterScope=True)], known=known)[0]
    )
