"""The five templates, for one namespace or for a whole cluster.

Invariants: pure and deterministic; a template refers to others by name, with the scope of its own
kind. What the steps exchange are numbers, ids, and once a pod's patch (docs/design/0012).
Must not know: files, clusters.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hera.workflows import ClusterWorkflowTemplate, WorkflowTemplate
from hera.workflows import models as m

from pfs_provider.argo.access import ACCOUNT
from pfs_provider.argo.labels import argument_label, pipeline_labels
from pfs_provider.argo.names import (
    CHANGE_LABEL,
    CHECKOUT,
    COMMIT,
    MAP,
    PIPELINE,
    PIPELINES,
    STEP_LABEL,
    WORKFLOW_LABEL,
)
from pfs_provider.argo.parts import (
    CATALOG_SECRET,
    arguments,
    input_of,
    inputs,
    metadata,
    our_container,
    our_pod,
    outputs,
    stay,
    step,
)
from pfs_provider.argo.working import (
    begin_outputs,
    build_finish,
    build_keep,
    build_work,
    build_work_job,
    finish_step,
    work_steps,
)
from pfs_provider.k8s.names import JOB_LABEL, MANAGED_BY

__all__ = ["RUN", "build_templates"]

RUN = "run"
DAY_S = 86400
LEASE_S = "60"
"""Seconds after which others may have the job of a workflow that is gone."""
MUTEX = (
    "pfs-{{=inputs.parameters.%s contains '/' ? inputs.parameters.%s : "
    "'default/' + inputs.parameters.%s}}"
)
"""One workflow of a namespace at a time runs a pipeline, however its name is written."""
DID_FAIL = "{{workflow.status}} != Succeeded"
DATA = "/data"
"""Where the volume of a checkout or a commit is mounted."""


def build_templates(*, cluster: bool) -> list[dict[str, Any]]:
    """Return the templates as plain values.

    Args:
        cluster: For a whole cluster, as ClusterWorkflowTemplate.
    """
    return [
        _pipeline(cluster=cluster),
        _pipelines(cluster=cluster),
        _map(cluster=cluster),
        _checkout(cluster=cluster),
        _commit(cluster=cluster),
    ]


def _pipeline(*, cluster: bool) -> dict[str, Any]:
    given = {"pipeline": None, "job": "", "workers": "0", "max_pods": "200", "lease": LEASE_S}
    passed = _passed(given)
    run = m.Template(
        name=RUN,
        inputs=inputs(**given),
        outputs=_commit_output("steps.finish.outputs.parameters.commit"),
        synchronization=_mutex("pipeline"),
        steps=[
            [step("begin", arguments(**passed), template="begin")],
            work_steps(),
            [finish_step()],
        ],
    )
    begin = our_pod(
        "begin",
        inputs(**_begin_inputs(given)),
        our_container(["begin", *_begin_options(), "--", input_of("pipeline")]),
        gives=begin_outputs(),
    )
    templates = [run, begin, build_keep(), build_work(), build_work_job(), build_finish(), *_exit()]
    return _template(
        PIPELINE,
        "Run one job of a pipeline: the next that is ready, or the one whose id is given.",
        templates,
        cluster=cluster,
        given={**given, "pipeline": None},
        on_exit="exit",
        labels=pipeline_labels("pipeline") | {JOB_LABEL: argument_label("job")},
    )


def _pipelines(*, cluster: bool) -> dict[str, Any]:
    given = {"change": "", "workers": "0", "max_pods": "200"}
    passed = {name: input_of(name.replace("_", "-")) for name in given}
    found = "steps.ready.outputs.parameters"
    round_ = m.Template(
        name="round",
        inputs=inputs(**given, seen=""),
        steps=[
            [step("ready", arguments(**passed, seen=input_of("seen")), template="ready")],
            [
                step(
                    "pipeline",
                    arguments(
                        pipeline="{{item}}",
                        job=input_of("change"),
                        workers=input_of("workers"),
                        max_pods=input_of("max-pods"),
                    ),
                    reference=_reference(PIPELINE, RUN, cluster=cluster),
                    items=f"{{{{{found}.pipelines}}}}",
                    go_on=True,
                )
            ],
            [
                step(
                    "next",
                    arguments(**passed, seen=f"{{{{{found}.seen}}}}"),
                    template="round",
                    when=f"{{{{{found}.count}}}} > 0",
                )
            ],
        ],
    )
    run = m.Template(
        name=RUN,
        inputs=inputs(**given),
        steps=[
            [step("round", arguments(**passed), template="round")],
            [step("verdict", arguments(change=input_of("change")), template="verdict")],
        ],
    )
    ready = our_pod(
        "ready",
        inputs(**given, seen=""),
        our_container(
            [
                *("ready", "--namespace", "{{workflow.namespace}}"),
                *("--change", input_of("change"), "--seen", input_of("seen")),
            ]
        ),
        gives=outputs("count", "pipelines", "seen"),
    )
    verdict = our_pod(
        "verdict",
        inputs(change=""),
        our_container(["verdict", "--change", input_of("change")], has_outputs=False),
    )
    return _template(
        PIPELINES,
        "Run all jobs of a change, stage after stage; without a change, all jobs that are ready.",
        [run, round_, ready, verdict, *_exit()],
        cluster=cluster,
        given=given,
        on_exit="exit",
        labels={CHANGE_LABEL: argument_label("change")},
    )


def _map(*, cluster: bool) -> dict[str, Any]:
    given = {
        "input": None,
        "output": None,
        "image": None,
        "command": None,
        "glob": "/*",
        "workers": "0",
        "max_pods": "200",
        "lease": LEASE_S,
    }
    passed = _passed(given)
    shared = {
        name: _reference(PIPELINE, name, cluster=cluster)
        for name in ("work", "work-job", "keep", "finish")
    }
    run = m.Template(
        name=RUN,
        inputs=inputs(**given),
        outputs=_commit_output("steps.finish.outputs.parameters.commit"),
        synchronization=_mutex("output"),
        steps=[
            [step("begin", arguments(**passed), template="begin")],
            work_steps(shared["work"], shared["work-job"], shared["keep"]),
            [finish_step(shared["finish"])],
        ],
    )
    asked = [*("--image", input_of("image")), *("--command", input_of("command"))]
    asked += ["--glob", input_of("glob")]
    command = ["map", *_begin_options(job=False), *asked, "--"]
    begin = our_pod(
        "begin",
        inputs(**_begin_inputs(given)),
        our_container([*command, input_of("output"), input_of("input")]),
        gives=begin_outputs(),
    )
    return _template(
        MAP,
        "Run a command in an image over the pieces of a commit, into a repo of results.",
        [run, begin, *_exit()],
        cluster=cluster,
        given=given,
        on_exit="exit",
        labels=pipeline_labels("output"),
    )


def _checkout(*, cluster: bool) -> dict[str, Any]:
    given = {"ref": None, "claim": None, "folder": "."}
    container = our_container(["checkout", "--", input_of("ref"), f"{DATA}/{input_of('folder')}"])
    return _files(
        CHECKOUT, "Write the files of a commit into a volume.", given, container, cluster=cluster
    )


def _commit(*, cluster: bool) -> dict[str, Any]:
    given = {"branch": None, "claim": None, "folder": ".", "provenance": "", "message": ""}
    given |= {"key": ""}
    options = [*stay(), "--node", "{{node.name}}", "--provenance", input_of("provenance")]
    options += ["--title", input_of("message"), "--key", input_of("key")]
    place = f"{DATA}/{input_of('folder')}"
    container = our_container(["commit", *options, "--", input_of("branch"), place])
    return _files(
        COMMIT,
        "Put the files of a volume as one commit, linked to what it was made of.",
        given,
        container,
        cluster=cluster,
    )


def _files(
    name: str, text: str, given: dict[str, Any], container: m.Container, *, cluster: bool
) -> dict[str, Any]:
    container.volume_mounts = [
        *(container.volume_mounts or []),
        m.VolumeMount(name="data", mount_path=DATA),
    ]
    claim = m.PersistentVolumeClaimVolumeSource(claim_name=input_of("claim"))
    run = our_pod(
        RUN,
        inputs(**given),
        container,
        gives=outputs("commit"),
        volumes=[m.Volume(name="data", persistent_volume_claim=claim)],
    )
    return _template(name, text, [run], cluster=cluster, given=given)


def _begin_inputs(given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that the first step takes; the lease is the business of ``keep``."""
    return {name: value for name, value in given.items() if name != "lease"}


def _passed(given: dict[str, Any]) -> dict[str, str]:
    return {name: input_of(name.replace("_", "-")) for name in _begin_inputs(given)}


def _begin_options(*, job: bool = True) -> list[str]:
    options = [*stay(), "--node", "{{node.name}}"]
    options += ["--job", input_of("job")] if job else []
    options += ["--workers", input_of("workers"), "--max-pods", input_of("max-pods")]
    return [*options, "--catalog-secret", CATALOG_SECRET]


def _exit() -> list[m.Template]:
    """Return what happens when a workflow fails or is stopped: its jobs are free for others."""
    options = [*stay(), "--reason", "{{workflow.status}}", "--failures", "{{workflow.failures}}"]
    return [
        m.Template(
            name="exit",
            steps=[
                [
                    step("settle", arguments(), template="settle", when=DID_FAIL),
                    step("remove", arguments(), template="remove", when=DID_FAIL),
                ]
            ],
        ),
        our_pod("settle", m.Inputs(), our_container(["settle", *options], has_outputs=False)),
        m.Template(
            name="remove",
            resource=m.ResourceTemplate(
                action="delete",
                flags=["jobs.batch", "--selector", f"{WORKFLOW_LABEL}={{{{workflow.uid}}}}"],
            ),
            metadata=metadata({STEP_LABEL: "remove"}),
        ),
    ]


def _reference(name: str, template: str, *, cluster: bool) -> m.TemplateRef:
    return m.TemplateRef(name=name, template=template, cluster_scope=True if cluster else None)


def _mutex(parameter: str) -> m.Synchronization:
    name = MUTEX % (parameter, parameter, parameter)
    return m.Synchronization(mutexes=[m.Mutex(name=name)])


def _commit_output(source: str) -> m.Outputs:
    value = m.ValueFrom(parameter=f"{{{{{source}}}}}")
    return m.Outputs(parameters=[m.Parameter(name="commit", value_from=value)])


def _template(  # noqa: PLR0913 the parts of a template
    name: str,
    text: str,
    templates: Sequence[m.Template],
    *,
    cluster: bool,
    given: dict[str, Any],
    on_exit: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    kind = ClusterWorkflowTemplate if cluster else WorkflowTemplate
    ours = {MANAGED_BY[0]: MANAGED_BY[1]}
    expressions = {
        label: m.LabelValueFrom(expression=text) for label, text in (labels or {}).items()
    }
    made = kind(
        name=name,
        labels={**ours, "app.kubernetes.io/part-of": "pfs"},
        annotations={"workflows.argoproj.io/description": text},
        entrypoint=RUN,
        service_account_name=ACCOUNT,
        arguments=arguments_of(given),
        templates=list(templates),
        on_exit=on_exit,
        pod_gc=m.PodGC(strategy="OnPodSuccess", delete_delay_duration="30s"),
        ttl_strategy=m.TTLStrategy(seconds_after_success=DAY_S, seconds_after_failure=7 * DAY_S),
        workflow_metadata=m.WorkflowMetadata(labels=ours, labels_from=expressions or None),
    )
    return dict(made.to_dict())


def arguments_of(given: dict[str, Any]) -> m.Arguments:
    """Return the arguments of a workflow: what has no default has to be given."""
    return m.Arguments(
        parameters=[
            m.Parameter(name=name.replace("_", "-"), value=value) for name, value in given.items()
        ]
    )
