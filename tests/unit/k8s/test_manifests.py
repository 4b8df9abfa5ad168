"""What is sent for one job."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.manifests import (
    raise_parallelism,
    render_job,
    render_secret,
    secret_name,
)
from pfs_provider.k8s.names import job_name
from pfs_provider.k8s.pods import StoreAccess
from pfs_provider.spec.load import load_specs
from tests.pfs_world import spec

JOB = parse_job_ref("up@0123456789abcdef0123456789abcdef")
CLUSTER = Cluster(namespace="work", worker_image="pfs:1", user_image="busybox:1", max_workers=100)


def _job(n_workers: int, **more: Any) -> dict[str, Any]:
    access = StoreAccess(url="s3://bucket/x", secret="keys", lease_s=20.0)
    return render_job(CLUSTER, JOB, load_specs(spec("up", **more))[0].spec, n_workers, access)


def test_a_job_begins_with_few_pods_and_is_let_go_by_a_patch() -> None:
    job = _job(16)

    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (16, 4)
    patch = raise_parallelism(job)
    assert patch == {"spec": {"parallelism": 16}}
    assert raise_parallelism({"spec": job["spec"] | patch["spec"]}) is None
    assert raise_parallelism(_job(3)) is None


def test_labels_of_a_spec_are_kept_and_ours_win() -> None:
    job = _job(1, metadata={"labels": {"team": "x", "pfs.job": "forged"},
                            "annotations": {"note": "why"}})  # fmt: skip

    for about in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert about["labels"]["team"] == "x"
        assert about["labels"]["pfs.job"] == JOB.id
        assert about["annotations"]["note"] == "why"


def test_metrics_are_served_announced_when_asked_for() -> None:
    served = replace(CLUSTER, metrics_port=9465)
    access = StoreAccess(url="s3://bucket/x", secret="keys", lease_s=20.0)
    job = render_job(served, JOB, load_specs(spec("up"))[0].spec, 1, access)
    template = job["spec"]["template"]

    arguments = template["spec"]["containers"][0]["args"]
    where = arguments.index("--metrics-port")
    assert arguments[where : where + 4] == ["--metrics-port", "9465", "--metrics-host", "0.0.0.0"]
    notes = template["metadata"]["annotations"]
    assert (notes["prometheus.io/scrape"], notes["prometheus.io/port"]) == ("true", "9465")
    assert "prometheus" not in str(_job(1))


@pytest.mark.parametrize("n_workers", [0, 101])
def test_too_few_or_too_many_workers_are_refused(n_workers: int) -> None:
    with pytest.raises(RefusedError, match=r"parallelism_spec.constant: .* k8s_max_workers"):
        _job(n_workers)


def test_a_spec_that_asks_for_too_many_is_refused_even_where_few_are_needed() -> None:
    with pytest.raises(RefusedError, match="500 workers are not between 1 and 100"):
        _job(3, parallelism_spec={"constant": 500})


def test_a_secret_goes_with_its_job() -> None:
    job = {"metadata": {"name": job_name(JOB), "namespace": "work", "uid": "u"}}
    name = secret_name(JOB, "0123456789")

    secret = render_secret(job, name, {"AWS_SECRET_ACCESS_KEY": "geheim"})

    assert len(name) <= 63
    assert secret["metadata"]["name"] == name
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert base64.b64decode(secret["data"]["AWS_SECRET_ACCESS_KEY"]) == b"geheim"
