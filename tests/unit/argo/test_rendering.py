import copy
from typing import Any

import pytest
import yaml

from pfs_provider import __version__
from pfs_provider.argo.access import build_catch_up, build_events
from pfs_provider.argo.checking import find_problems
from pfs_provider.argo.parts import IMAGE
from pfs_provider.argo.rendering import render_files
from pfs_provider.argo.templates import build_templates
from tests.unit.argo.documents import ROOT, judge

FOLDER = ROOT / "argo_templates"
ARGO = "argoproj.io/"
EVENTS = {"EventSource", "Sensor"}
EVENT = "spec/webhook/job"
"""Its name is ours to choose."""


def _documents() -> list[dict[str, Any]]:
    texts = render_files().values()
    found = [document for text in texts for document in yaml.safe_load_all(text)]
    return [document for document in found if document.get("apiVersion", "").startswith(ARGO)]


def test_what_is_committed_is_what_is_rendered() -> None:
    files = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*")
        if path.is_file()
    }

    assert files == render_files(), "run: make argo-templates"


def test_the_image_has_this_version() -> None:
    assert f"pfs-provider:{__version__}" == IMAGE


def test_every_document_of_argo_is_valid_by_its_strict_schema() -> None:
    problems = [
        problem
        for document in _documents()
        for problem in judge("events" if document["kind"] in EVENTS else "workflows").find_problems(
            document
        )
    ]

    assert problems == []


def test_references_parameters_and_entrypoints_exist() -> None:
    assert find_problems(_documents()) == []


@pytest.mark.parametrize("cluster", [False, True], ids=["namespace", "cluster"])
def test_a_typo_in_any_key_is_found(cluster: bool) -> None:
    missed = []
    for template in build_templates(cluster=cluster):
        for path in _keys(template):
            broken = copy.deepcopy(template)
            _rename(broken, path)
            if not list(judge("workflows").find_problems(broken)):
                missed.append("/".join(map(str, path)))

    assert [path for path in missed if not _is_free(path)] == []


def test_a_typo_in_any_key_of_what_starts_workflows_is_found() -> None:
    missed = []
    for document in [build_catch_up(), *build_events()]:
        schema = judge("events" if document["kind"] in EVENTS else "workflows")
        for path in _keys(document):
            broken = copy.deepcopy(document)
            _rename(broken, path)
            if not list(schema.find_problems(broken)):
                missed.append("/".join(map(str, path)))

    # What a sensor makes may be anything: the next test looks at it.
    free = "/source/resource/"
    assert [
        path for path in missed if not _is_free(path) and free not in path and path != EVENT
    ] == []


def test_what_a_sensor_makes_is_a_workflow_of_a_template_that_takes_its_arguments() -> None:
    _, sensor = build_events()
    k8s = sensor["spec"]["triggers"][0]["template"]["k8s"]
    workflow = k8s["source"]["resource"]
    known = build_templates(cluster=False)

    assert list(judge("workflows").find_problems(workflow)) == []
    assert find_problems([workflow], known=known) == []
    for path in _keys(workflow):
        broken = copy.deepcopy(workflow)
        _rename(broken, path)
        assert list(judge("workflows").find_problems(broken)), path
    workflow["spec"]["arguments"]["parameters"][0]["name"] = "pipelin"
    assert len(find_problems([workflow], known=known)) == 2


def test_a_typo_in_any_variable_is_found() -> None:
    files = render_files()
    names = [name for name in files if name.startswith("namespace/pfs-")]
    known = [yaml.safe_load(files[name]) for name in names]
    missed = []
    for name in names:
        for tag in ("inputs.parameters.", "outputs.parameters.", "{{steps."):
            parts = files[name].split(tag)
            for number in range(1, len(parts)):
                text = tag.join(parts[:number]) + tag + "typo" + tag.join(parts[number:])
                if not find_problems([yaml.safe_load(text)], known=known):
                    missed.append((name, tag, parts[number][:40]))

    assert missed == []


def _keys(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        own = [(*path, name) for name in value]
        return own + [found for name, part in value.items() for found in _keys(part, (*path, name))]
    if isinstance(value, list):
        return [found for n, part in enumerate(value) for found in _keys(part, (*path, n))]
    return []


def _rename(document: dict[str, Any], path: tuple[Any, ...]) -> None:
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1] + "Typo"] = holder.pop(path[-1])


def _is_free(path: str) -> bool:
    """Labels, annotations and quantities have names of their own."""
    if path.rpartition("/")[0].endswith("labelsFrom"):
        return True
    return any(f"{word}/" in path for word in ("labels", "annotations", "requests"))
