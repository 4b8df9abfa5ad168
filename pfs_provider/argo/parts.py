"""Pieces that all templates are made of: parameters, steps, containers of ours.

Invariants: every knob is an input parameter with a default, so that a template works as an
entrypoint, by ``templateRef`` from anybody's workflow, and where the controller lets submitters set
nothing but arguments (``templateReferencing: Strict``). The image and the names of Secrets are no
knobs: who submits a workflow must not choose what gets the catalog's credentials.
"""

from collections.abc import Mapping, Sequence

from hera.workflows import models as m

from pfs_provider.argo.names import STEP_LABEL
from pfs_provider.k8s.names import MANAGED_BY

__all__ = [
    "CATALOG_SECRET",
    "IMAGE",
    "SETTINGS",
    "START_TIMEOUT",
    "STORE_SECRET",
    "arguments",
    "input_of",
    "inputs",
    "metadata",
    "our_container",
    "our_pod",
    "our_security",
    "outputs",
    "stay",
    "step",
]

IMAGE = "pfs-provider:0.1.0"
"""As deploy/ has it; a test compares it with this package's version."""
SETTINGS = "pfs-settings"
CATALOG_SECRET = "pfs-catalog"  # noqa: S105 the name of a Secret
STORE_SECRET = "pfs-store"  # noqa: S105 the name of a Secret
WORKER_ID = 65532
SCRATCH = "/pfs-step"
OUTPUTS = f"{SCRATCH}/outputs"
MESSAGE = "/dev/termination-log"
START_TIMEOUT = "15m"
"""For images that cannot be pulled, and nodes that have no room."""
RETRY_IF = (
    'lastRetry.message contains "-unavailable]" or '
    '(lastRetry.status == "Error" and not (lastRetry.message contains "forbidden"))'
)
"""A lost pod, or a store or catalog that did not answer; what was refused stays refused."""


def inputs(**defaults: str | None) -> m.Inputs:
    """Return input parameters; None makes one that has to be given. ``_`` stands for ``-``."""
    return m.Inputs(
        parameters=[
            m.Parameter(name=_dashed(name), value=value) for name, value in defaults.items()
        ]
    )


def input_of(name: str) -> str:
    """Return what stands for an input parameter."""
    return f"{{{{inputs.parameters.{name}}}}}"


def arguments(**values: str) -> m.Arguments:
    """Return arguments. ``_`` stands for ``-``."""
    return m.Arguments(
        parameters=[m.Parameter(name=_dashed(name), value=value) for name, value in values.items()]
    )


def outputs(*names: str, **defaults: str) -> m.Outputs:
    """Return output parameters that are files of a step; those with defaults may be missing."""
    found = [
        m.Parameter(name=name, value_from=m.ValueFrom(path=f"{OUTPUTS}/{name}")) for name in names
    ]
    found += [
        m.Parameter(name=name, value_from=m.ValueFrom(path=f"{OUTPUTS}/{name}", default=value))
        for name, value in defaults.items()
    ]
    return m.Outputs(parameters=found)


def step(  # noqa: PLR0913 the fields of a step
    name: str,
    given: m.Arguments,
    *,
    template: str | None = None,
    reference: m.TemplateRef | None = None,
    when: str | None = None,
    go_on: bool = False,
    sequence: str | None = None,
    items: str | None = None,
) -> m.WorkflowStep:
    """Return a step.

    Args:
        name: Its name.
        given: Its arguments.
        template: What it runs: a template of the same file.
        reference: Or a template of another file.
        when: Only if this is true.
        go_on: Whether the next steps run although it failed.
        sequence: How often; ``{{item}}`` is the number, from 0.
        items: A JSON list; ``{{item}}`` is each of it.
    """
    return m.WorkflowStep(
        name=name,
        template=template,
        template_ref=reference,
        arguments=given,
        when=when,
        continue_on=m.ContinueOn(failed=True, error=True) if go_on else None,
        with_sequence=None if sequence is None else m.Sequence(count=sequence),
        with_param=items,
    )


def stay() -> list[str]:
    """Return the options that say where a step runs."""
    return [
        *("--namespace", "{{workflow.namespace}}"),
        *("--workflow", "{{workflow.name}}"),
        *("--uid", "{{workflow.uid}}"),
    ]


def our_container(command: Sequence[str], *, has_outputs: bool = True) -> m.Container:
    """Return a container of ours that knows catalog and store and runs ``pfs step …``."""
    told = ["--message", MESSAGE] + (["--outputs", OUTPUTS] if has_outputs else [])
    return m.Container(
        image=IMAGE,
        image_pull_policy="IfNotPresent",
        command=["pfs", "step"],
        # All options come before what a user names, which may begin with a dash.
        args=[command[0], *told, *command[1:]],
        env=[
            m.EnvVar(name="PFS_K8S_WORKER_IMAGE", value=IMAGE),
            m.EnvVar(name="HOME", value=SCRATCH),
            m.EnvVar(name="TMPDIR", value=SCRATCH),
        ],
        env_from=[
            m.EnvFromSource(config_map_ref=m.ConfigMapEnvSource(name=SETTINGS, optional=True)),
            # A missing Secret would keep the pod waiting for ever; so the step says what it lacks.
            m.EnvFromSource(secret_ref=m.SecretEnvSource(name=CATALOG_SECRET, optional=True)),
            m.EnvFromSource(secret_ref=m.SecretEnvSource(name=STORE_SECRET, optional=True)),
        ],
        resources=m.ResourceRequirements(requests={"cpu": "100m", "memory": "256Mi"}),
        security_context=our_security(),
        termination_message_path=MESSAGE,
        volume_mounts=[m.VolumeMount(name="step", mount_path=SCRATCH)],
    )


def our_security() -> m.SecurityContext:
    """Return what a container of ours may do."""
    return m.SecurityContext(
        allow_privilege_escalation=False,
        capabilities=m.Capabilities(drop=["ALL"]),
        read_only_root_filesystem=True,
        run_as_group=WORKER_ID,
        run_as_non_root=True,
        run_as_user=WORKER_ID,
    )


def our_pod(
    name: str,
    given: m.Inputs,
    container: m.Container,
    *,
    gives: m.Outputs | None = None,
    volumes: Sequence[m.Volume] = (),
) -> m.Template:
    """Return the template of a step of ours."""
    return m.Template(
        name=name,
        inputs=given,
        outputs=gives,
        container=container,
        volumes=[m.Volume(name="step", empty_dir=m.EmptyDirVolumeSource()), *volumes],
        security_context=m.PodSecurityContext(
            fs_group=WORKER_ID, seccomp_profile=m.SeccompProfile(type="RuntimeDefault")
        ),
        pending_timeout=START_TIMEOUT,
        retry_strategy=m.RetryStrategy(
            limit="3",
            retry_policy="Always",
            expression=RETRY_IF,
            backoff=m.Backoff(duration="5s", factor="2", max_duration="2m"),
        ),
        metadata=metadata({STEP_LABEL: name}),
    )


def metadata(labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> m.Metadata:
    """Return labels and annotations for pods of ours."""
    return m.Metadata(
        labels={MANAGED_BY[0]: MANAGED_BY[1], **labels},
        annotations=None if annotations is None else dict(annotations),
    )


def _dashed(name: str) -> str:
    return name.replace("_", "-")
