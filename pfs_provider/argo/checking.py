"""Finds what is wrong with templates that no schema sees: references, parameters, entrypoints.

Invariants: pure; all findings are told, each with its place. Given are plain documents, so that it
judges what is rendered here as well as what a user wrote. Must not know: hera.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["find_problems"]

KINDS = {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"}
TAG = re.compile(r"\{\{(.*?)\}\}")
PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
KNOWN_GLOBALS = re.compile(
    r"workflow\.(name|namespace|uid|status|failures|duration|mainEntrypoint|serviceAccountName"
    r"|creationTimestamp.*|scheduledTime|priority|parameters|labels\..+|annotations\..+)|item(\..+)?"
    r"|node\.name|pod\.name|retries|lastRetry\..+"
)
STEP_FACTS = {"id", "ip", "status", "exitCode", "startedAt", "finishedAt", "hostNodeName"}


def find_problems(
    documents: Sequence[Mapping[str, Any]], *, known: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """Return what is wrong with documents, one sentence each; none if all is well.

    Args:
        documents: Of any kind; those that are not Argo Workflows' are passed over.
        known: Other templates that exist, which documents may refer to.
    """
    mine = [document for document in documents if document.get("kind") in KINDS]
    others = {_key(document): document for document in [*known, *mine]}
    return [
        f"{document['kind']} {document['metadata'].get('name', '?')}: {problem}"
        for document in mine
        for problem in _problems(document, others)
    ]


Key = tuple[bool, str]
Found = Mapping[Key, Mapping[str, Any]]


def _key(document: Mapping[str, Any]) -> Key:
    return document["kind"] == "ClusterWorkflowTemplate", document["metadata"].get("name", "")


def _problems(document: Mapping[str, Any], others: Found) -> Iterator[str]:
    spec = document["spec"]
    if document["kind"] == "CronWorkflow":
        spec = spec.get("workflowSpec", {})
    reference = spec.get("workflowTemplateRef")
    given = {part["name"] for part in (spec.get("arguments") or {}).get("parameters", ())}
    if reference is not None:
        yield from _reference_problems(reference, given, others)
        return
    yield from _spec_problems(spec, given, others)


def _spec_problems(spec: Mapping[str, Any], given: set[str], others: Found) -> Iterator[str]:
    templates = {template["name"]: template for template in spec.get("templates", ())}
    if len(templates) != len(spec.get("templates", ())):
        yield "two templates have one name"
    for place in ("entrypoint", "onExit"):
        name = spec.get(place)
        if name is None and place == "entrypoint":
            yield "it has no entrypoint"
        elif name is not None and name not in templates:
            yield f"{place} names the template {name!r}, which does not exist"
    entry = templates.get(spec.get("entrypoint", ""))
    if entry is not None:
        for name in sorted(_required(entry) - given):
            yield f"entrypoint {entry['name']!r} needs the parameter {name!r}, which is no argument"
    for template in templates.values():
        for problem in _template_problems(template, templates, others, given):
            yield f"template {template['name']!r}: {problem}"


def _reference_problems(
    reference: Mapping[str, Any], given: set[str], others: Found
) -> Iterator[str]:
    target = others.get((bool(reference.get("clusterScope")), reference.get("name", "")))
    if target is None:
        yield f"workflowTemplateRef names {reference.get('name')!r}, which does not exist"
        return
    parameters = (target["spec"].get("arguments") or {}).get("parameters", ())
    declared = {part["name"] for part in parameters}
    needed = {part["name"] for part in parameters if part.get("value") is None}
    for name in sorted(given - declared):
        yield f"argument {name!r} is no parameter of {reference['name']!r}"
    for name in sorted(needed - given):
        yield f"{reference['name']!r} needs the argument {name!r}"


def _template_problems(
    template: Mapping[str, Any],
    templates: Mapping[str, Mapping[str, Any]],
    others: Found,
    given: set[str],
) -> Iterator[str]:
    steps = _steps(template)
    targets: dict[str, Mapping[str, Any]] = {}
    for step in steps:
        target = _target(step, templates, others)
        if isinstance(target, str):
            yield f"step {step['name']!r}: {target}"
            continue
        targets[step["name"]] = target
        passed = {part["name"] for part in (step.get("arguments") or {}).get("parameters", ())}
        for name in sorted(_required(target) - passed):
            yield f"step {step['name']!r} does not give the parameter {name!r}"
        for name in sorted(passed - _inputs(target)):
            yield f"step {step['name']!r} gives {name!r}, which is no parameter there"
    for text in _strings(template):
        for tag in TAG.findall(text):
            problem = _tag_problem(tag, template, targets, given)
            if problem is not None:
                yield f"{{{{{tag}}}}}: {problem}"


def _steps(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    grouped = [step for group in template.get("steps", ()) for step in group]
    return grouped + list((template.get("dag") or {}).get("tasks", ()))


def _target(
    step: Mapping[str, Any], templates: Mapping[str, Mapping[str, Any]], others: Found
) -> Mapping[str, Any] | str:
    """Return the template that a step runs, or why there is none."""
    reference = step.get("templateRef")
    if reference is None:
        found = templates.get(step.get("template", ""))
        return found or f"it names the template {step.get('template')!r}, which does not exist"
    file = others.get((bool(reference.get("clusterScope")), reference.get("name", "")))
    if file is None:
        return f"templateRef names {reference.get('name')!r}, which does not exist"
    for template in file["spec"].get("templates", ()):
        if template["name"] == reference.get("template"):
            return dict(template)
    return f"{reference['name']!r} has no template {reference.get('template')!r}"


def _inputs(template: Mapping[str, Any]) -> set[str]:
    return {part["name"] for part in (template.get("inputs") or {}).get("parameters", ())}


def _required(template: Mapping[str, Any]) -> set[str]:
    parameters = (template.get("inputs") or {}).get("parameters", ())
    return {part["name"] for part in parameters if part.get("value") is None}


def _tag_problem(
    tag: str,
    template: Mapping[str, Any],
    targets: Mapping[str, Mapping[str, Any]],
    given: set[str],
) -> str | None:
    if tag.startswith("="):
        for name in re.findall(r"inputs\.parameters\.([A-Za-z0-9_]+)", tag):
            if name not in _inputs(template):
                return f"there is no input parameter {name!r}"
        return None
    if not PLAIN.fullmatch(tag):
        return "it is no name of a variable"
    match tag.split("."):
        case ["inputs", "parameters", name]:
            return None if name in _inputs(template) else f"there is no input parameter {name!r}"
        case ["workflow", "parameters", name]:
            return None if name in given else f"there is no argument {name!r}"
        case ["steps" | "tasks", name, *rest]:
            return _step_problem(name, rest, targets)
        case _:
            return None if KNOWN_GLOBALS.fullmatch(tag) else "there is no such variable"


def _step_problem(
    name: str, rest: Sequence[str], targets: Mapping[str, Mapping[str, Any]]
) -> str | None:
    target = targets.get(name)
    if target is None:
        return f"there is no step {name!r}"
    match rest:
        case ["outputs", "parameters", output]:
            outputs = (target.get("outputs") or {}).get("parameters", ())
            known = {part["name"] for part in outputs}
            return None if output in known else f"step {name!r} has no output {output!r}"
        case ["outputs", "result"]:
            return None
        case [fact]:
            return None if fact in STEP_FACTS else f"a step has no {fact!r}"
        case _:
            return "there is no such variable"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
