"""Rules of specs whose command stands: services and spouts.

Invariant: every other spec has an input. Must not know: how a command is kept up.
"""

from pfs_provider.spec.model import NO_INPUT, PipelineSpec
from pfs_provider.spec.spots import Spot

__all__ = ["check_standing"]


def check_standing(spec: PipelineSpec, at: Spot) -> None:
    """Return if the spec's command can stand, or is not to; warnings go to ``at``.

    Raises:
        RefusedError: ``spec-illegal``, with the field and the way out.
    """
    _check_input(spec, at)
    if spec.kind == "transform":
        return
    if spec.service is not None and spec.spout is not None:
        at.child("service").refuse('is not for a spout: write "spout": {"service": {…}}')
    if spec.s3_out:
        at.child("s3_out").refuse(f"cannot be true for a {spec.kind}: leave it out")
    if spec.parallelism != 1:
        at.child("parallelism_spec.constant").refuse(f"has to be 1 for a {spec.kind}")
    if spec.spout is not None and spec.autoscaling:
        at.child("autoscaling").refuse("cannot be true for a spout: it has no end to scale at")
    _check_marker(spec, at)
    _warn_of_ends(spec, at)
    _warn_of_clusters(spec, at)


def _check_input(spec: PipelineSpec, at: Spot) -> None:
    spot = at.child("input")
    if spec.spout is None and spec.input == NO_INPUT:
        spot.refuse(
            'is missing: say what to read, as in "input": {"pfs": {"repo": "images", "glob": "/*"}}'
        )
    if spec.spout is not None and spec.input != NO_INPUT:
        spot.refuse(
            "is not for a spout, whose command brings data in by itself: leave it out, or leave "
            "the spout out"
        )


def _check_marker(spec: PipelineSpec, at: Spot) -> None:
    marker = "" if spec.spout is None else spec.spout.marker
    if marker in {"out", ".", ".."} or "/" in marker:
        at.child("spout.marker").refuse('has to be the name of a file in /pfs: write "offset"')


def _warn_of_ends(spec: PipelineSpec, at: Spot) -> None:
    """Name what counts or ends tries: a command that is kept up has no end to count."""
    given = {
        "egress": spec.egress is not None,
        "datum_timeout": spec.datum_timeout_s is not None,
        "job_timeout": spec.job_timeout_s is not None,
        "transform.err_cmd": bool(spec.transform.err_cmd),
        "transform.datum_batching": spec.transform.datum_batching,
        "transform.python_batching": spec.transform.python_batching,
        "transform.accept_return_code": bool(spec.transform.accept_return_code),
    }
    for field in (name for name, is_given in given.items() if is_given):
        at.child(field).warn(f"has no effect: the command of a {spec.kind} is kept up")


def _warn_of_clusters(spec: PipelineSpec, at: Spot) -> None:
    """Name what is for a Service of Kubernetes: commands that stand are kept up beside a runner."""
    listens = spec.listens
    if listens is None:
        return
    spot = at.child("service" if spec.spout is None else "spout.service")
    given = {
        "external_port": listens.external_port,
        "ip": listens.ip,
        "annotations": listens.annotations,
    }
    for field in (name for name, value in given.items() if value):
        spot.child(field).warn("has no effect: it is served on the machine that keeps it up")
