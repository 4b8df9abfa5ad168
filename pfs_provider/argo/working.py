"""How a job's work is a part of a template: what begins it, its pods or its Job, what ends it.

Invariants: the pod of a worker is nearly nothing but the patch that ``begin`` made; the last step
runs however the workers ended, and looks at their results. Must not know: which template.
"""

from hera.workflows import models as m

from pfs_provider.argo.names import KEEP, NO_START, STEP_LABEL
from pfs_provider.argo.parts import (
    IMAGE,
    START_TIMEOUT,
    arguments,
    input_of,
    inputs,
    metadata,
    our_container,
    our_pod,
    our_security,
    outputs,
    stay,
    step,
)
from pfs_provider.k8s.names import JOB_ANNOTATION, JOB_LABEL, PIPELINE_LABEL, PROJECT_LABEL

__all__ = [
    "begin_outputs",
    "build_finish",
    "build_keep",
    "build_work",
    "build_work_job",
    "finish_step",
    "work_steps",
]

JOB_FAILED = ",".join(
    f"status.conditions.{number}.type in (Failed,FailureTarget)" for number in range(3)
)
"""An index was lost too often, and no other one is at work: others may have taken over its sets.

Argo takes any one of several failure conditions for a failure, and a Job that Kubernetes has not
looked at yet has no status at all. A Job may have other conditions before these.
"""
JOB_RETRY_IF = 'not (lastRetry.message matches "failure condition|(?i)forbidden")'
"""A Job that failed has failed, and a right that is missing stays missing."""
WORK_RETRY_IF = f'not (lastRetry.message matches "(?i)deadline|pending|{NO_START}")'
"""What took too long, or could not start in all that time, or ever, would again."""

JOB_INPUTS = ("job", "id", "project", "name")
"""What tells of which job a pod is; of project and pipeline as much as a label may hold."""


def begin_outputs() -> m.Outputs:
    """Return what a step that begins a job tells the others."""
    numbers = ("pods", "jobs", "workers", "timeout")
    return outputs(*JOB_INPUTS, *numbers, "pod", "manifest")


def begun(name: str) -> str:
    return f"{{{{steps.begin.outputs.parameters.{name}}}}}"


def work_steps(
    work: m.TemplateRef | None = None,
    work_job: m.TemplateRef | None = None,
    keep: m.TemplateRef | None = None,
) -> list[m.WorkflowStep]:
    """Return the pods, or the Indexed Job; the next step looks at results, not at their ends."""
    kept = arguments(job=begun("job"), lease=input_of("lease"))
    about = {name: begun(name) for name in JOB_INPUTS}
    pods = arguments(number="{{item}}", pod=begun("pod"), timeout=begun("timeout"), **about)
    job = arguments(manifest=begun("manifest"), workers=begun("workers"), job=begun("job"))
    return [
        step(
            "keep",
            kept,
            template=None if keep else "keep",
            reference=keep,
            when=f"{begun('workers')} > 0",
            go_on=True,
        ),
        step(
            "work",
            pods,
            template=None if work else "work",
            reference=work,
            sequence=begun("pods"),
            go_on=True,
        ),
        step(
            "work-job",
            job,
            template=None if work_job else "work-job",
            reference=work_job,
            when=f"{begun('jobs')} > 0",
            go_on=True,
        ),
    ]


def finish_step(reference: m.TemplateRef | None = None) -> m.WorkflowStep:
    """Return the step that ends the job, of this file or of another one."""
    template = None if reference else "finish"
    return step("finish", arguments(job=begun("job")), template=template, reference=reference)


def build_work() -> m.Template:
    """Return the pod of one worker; nearly all of it is the patch that ``begin`` made."""
    install = m.UserContainer(
        name="install",
        image=IMAGE,
        command=["python", "-m", "pfs_provider.worker.shim.install"],
        security_context=our_security(),
    )
    main = m.Container(
        image=IMAGE,
        command=["python", "-m", "pfs_provider.worker"],
        env=[m.EnvVar(name="JOB_COMPLETION_INDEX", value=input_of("number"))],
        security_context=our_security(),
    )
    return m.Template(
        name="work",
        inputs=inputs(number=None, pod=None, timeout=None, **dict.fromkeys(JOB_INPUTS)),
        pod_spec_patch=input_of("pod"),
        init_containers=[install],
        container=main,
        active_deadline_seconds=input_of("timeout"),
        pending_timeout=START_TIMEOUT,
        retry_strategy=m.RetryStrategy(
            limit="5",
            retry_policy="Always",
            expression=WORK_RETRY_IF,
            backoff=m.Backoff(duration="10s", factor="2", max_duration="10m"),
        ),
        metadata=metadata(
            {
                JOB_LABEL: input_of("id"),
                PROJECT_LABEL: input_of("project"),
                PIPELINE_LABEL: input_of("name"),
                STEP_LABEL: "work",
            },
            {JOB_ANNOTATION: input_of("job")},
        ),
    )


def build_work_job() -> m.Template:
    """Return the node that makes an Indexed Job, or adopts the one there is, and waits for it."""
    return m.Template(
        name="work-job",
        inputs=inputs(manifest=None, workers=None, job=None),
        resource=m.ResourceTemplate(
            action="apply",
            manifest=input_of("manifest"),
            set_owner_reference=True,
            success_condition=f"status.succeeded == {input_of('workers')}",
            failure_condition=JOB_FAILED,
        ),
        # What waits for the Job may be lost, with its node; the Job goes on, and is adopted.
        retry_strategy=m.RetryStrategy(
            limit="5",
            retry_policy="Always",
            expression=JOB_RETRY_IF,
            backoff=m.Backoff(duration="10s", factor="2", max_duration="10m"),
        ),
        metadata=metadata({STEP_LABEL: "work-job"}, {JOB_ANNOTATION: input_of("job")}),
    )


def build_keep() -> m.Template:
    """Return the pod that keeps a job for its workflow: where the workflow ends, so does it.

    Argo starts the next step beside it, and ends it with the steps around it.
    """
    options = ["--lease", input_of("lease"), "--", input_of("job")]
    container = our_container(["keep", *stay(), *options], has_outputs=False)
    container.resources = m.ResourceRequirements(requests={"cpu": "100m", "memory": "128Mi"})
    made = our_pod(KEEP, inputs(job=None, lease=None), container)
    made.daemon = True
    made.metadata = metadata({STEP_LABEL: KEEP}, {JOB_ANNOTATION: input_of("job")})
    return made


def build_finish() -> m.Template:
    """Return the pod that ends a job, whatever became of its workers."""
    made = our_pod(
        "finish",
        inputs(job=None),
        our_container(["finish", *stay(), "--node", "{{node.name}}", "--", input_of("job")]),
        gives=outputs("commit"),
    )
    made.metadata = metadata({STEP_LABEL: "finish"}, {JOB_ANNOTATION: input_of("job")})
    return made
