"""The tables of what pods get: resources, services, tolerations.

Must not know: how a pod is made.
"""

from pfs_provider.spec.kinds import Flag, MapOf, Number, OneOf, Quantity, Words
from pfs_provider.spec.model import Gpu, Resources, Service, Spout, Toleration
from pfs_provider.spec.shape import Field, Shape

__all__ = ["RESOURCES", "SERVICE", "SPOUT", "TOLERATION"]

_MAX_PORT = 65535
"""A port is two bytes."""

_GPU = Shape(
    Gpu,
    (
        Field(
            "type",
            Words("nvidia.com/gpu"),
            "Resource name.",
            missing='write "type": "nvidia.com/gpu"',
        ),
        Field("number", Number(low=1), "How many.", missing='write "number": 1'),
    ),
)

RESOURCES = Shape(
    Resources,
    (
        Field("cpu", Quantity(), "Cores."),
        Field("memory", Quantity(), "Bytes."),
        Field("gpu", _GPU, "Devices."),
        Field("disk", Quantity(), "Bytes of ephemeral storage."),
    ),
)

SERVICE = Shape(
    Service,
    (
        Field(
            "internal_port",
            Number(low=1, high=_MAX_PORT),
            "The code listens here.",
            missing='name the port, as in "internal_port": 8080',
        ),
        Field("external_port", Number(high=_MAX_PORT), "Seen from outside."),
        Field("ip", Words("10.0.0.1"), "Address of the service."),
        Field("type", Words("NodePort"), "Kind of Kubernetes service; NodePort by default."),
        Field("annotations", MapOf(Words()), "Annotations of the service."),
    ),
)

SPOUT = Shape(
    Spout,
    (
        Field("service", SERVICE, "What the command listens on, if it does."),
        Field(
            "overwrite",
            Flag(),
            "Of tar archives in /pfs/out: a file replaces the one of its name.",
        ),
        Field(
            "marker",
            Words("offset"),
            "Of tar archives in /pfs/out: what is kept apart and given to the next start.",
        ),
    ),
)

TOLERATION = Shape(
    Toleration,
    (
        Field("key", Words("gpu"), "The taint's key; none means every taint."),
        Field("operator", OneOf(("Exists", "Equal")), "Exists or Equal."),
        Field("value", Words("true"), "The taint's value, for Equal."),
        Field(
            "effect",
            OneOf(("NoSchedule", "PreferNoSchedule", "NoExecute")),
            "The taint's effect; none means every effect.",
        ),
        Field("toleration_seconds", Number(), "How long, for NoExecute."),
    ),
)
