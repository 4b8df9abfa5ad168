import json
from dataclasses import replace
from typing import Any

import pytest

from pfs_provider.argo.work import TOKEN_PATH, ArgoLauncher, Workplace, render_work
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.pods import StoreAccess
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PipelineSpec

JOB = parse_job_ref("p/edges@" + "0" * 32)
CLUSTER = Cluster(namespace="n", worker_image="pfs:1", user_image="busybox:1")


def spec(**more: object) -> PipelineSpec:
    document = {
        "pipeline": {"name": "edges", "project": {"name": "p"}},
        "transform": {"cmd": ["true"], "image": "user:1"},
        "input": {"pfs": {"repo": "images", "glob": "/*"}},
        **more,
    }
    return load_specs(document)[0].spec


def place(*, max_pods: int = 10, cluster: Cluster = CLUSTER) -> Workplace:
    access = StoreAccess(url="s3://b/x", secret="pfs-store", lease_s=20)
    return Workplace(
        cluster=cluster, access=access, uid="u", max_pods=max_pods, catalog_secret="pfs-catalog"
    )


def test_few_workers_are_pods_whose_main_container_is_the_worker() -> None:
    work = render_work(place(), JOB, spec(), 3)

    pod = json.loads(work.pod)
    assert (work.pods, work.jobs, work.workers, work.manifest) == (3, 0, 3, "{}")
    assert [part["name"] for part in pod["containers"]] == ["main"]
    assert [part["name"] for part in pod["initContainers"]] == ["install", "user"]
    assert pod["initContainers"][1]["restartPolicy"] == "Always"
    assert pod["initContainers"][1]["image"] == "user:1"


def test_our_image_is_left_to_the_template() -> None:
    pod = json.loads(render_work(place(), JOB, spec(), 1).pod)

    assert "image" not in pod["containers"][0]
    assert "image" not in pod["initContainers"][0]


def test_user_code_gets_no_token_of_the_cluster_and_argos_container_keeps_its_own() -> None:
    pod = json.loads(render_work(place(), JOB, spec(), 1).pod)

    mounts = {mount["mountPath"] for mount in pod["initContainers"][1]["volumeMounts"]}
    assert TOKEN_PATH in mounts
    assert "automountServiceAccountToken" not in pod


def test_more_workers_than_pods_are_one_indexed_job_of_the_workflow() -> None:
    work = render_work(place(max_pods=2), JOB, spec(job_timeout="90s"), 3)

    manifest = json.loads(work.manifest)
    assert (work.pods, work.jobs, work.workers, work.pod) == (0, 1, 3, "{}")
    assert manifest["metadata"]["labels"]["pfs.workflow"] == "u"
    assert manifest["spec"]["completions"] == manifest["spec"]["parallelism"] == 3
    assert manifest["spec"]["activeDeadlineSeconds"] == work.timeout_s == 90


def test_a_huge_patch_is_held_once_by_an_indexed_job() -> None:
    annotations = {
        "op": "add",
        "path": "/containers/0/env",
        "value": [{"name": "A", "value": "x" * 70_000}],
    }

    work = render_work(place(), JOB, spec(pod_patch=json.dumps([annotations])), 2)

    assert (work.pods, work.jobs) == (0, 1)


def test_argo_finds_nothing_to_replace_in_what_a_spec_says() -> None:
    patch = [
        {"op": "add", "path": "/containers/0/env", "value": [{"name": "A", "value": "{{x}} {{{"}]}
    ]

    text = render_work(place(), JOB, spec(pod_patch=json.dumps(patch)), 1).pod

    assert "{{" not in text
    (variable,) = json.loads(text)["initContainers"][1]["env"]
    assert variable["value"] == "{{x}} {{{"


def test_no_spec_may_name_the_catalogs_secret() -> None:
    secret = {"name": "pfs-catalog", "mount_path": "/c"}
    wanted = spec(transform={"cmd": ["true"], "image": "user:1", "secrets": [secret]})

    with pytest.raises(RefusedError, match="pfs-catalog") as caught:
        render_work(place(), JOB, wanted, 1)

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL


@pytest.mark.parametrize("max_pods", [1, 10], ids=["a Job", "pods"])
def test_a_cluster_bounds_the_workers_of_a_job(max_pods: int) -> None:
    where = place(max_pods=max_pods, cluster=replace(CLUSTER, max_workers=2))
    asking = spec(parallelism_spec={"constant": 3})

    with pytest.raises(RefusedError, match="max_workers"):
        render_work(where, JOB, spec(), 3)
    with pytest.raises(RefusedError, match="max_workers"):
        render_work(where, JOB, asking, 1)


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({"metadata": {"labels": {"team": "a"}}}, {}),
        ({"metadata": {"annotations": {"team": "a"}}}, {}),
        ({}, {"labels": {"team": "a"}}),
        ({}, {"annotations": {"team": "a"}}),
        ({}, {"metrics_port": 9090}),
    ],
    ids=["labels", "annotations", "all labels", "all annotations", "metrics"],
)
def test_labels_and_annotations_of_a_spec_or_of_the_settings_reach_every_pod(
    more: dict[str, object], settings: dict[str, Any]
) -> None:
    work = render_work(place(cluster=replace(CLUSTER, **settings)), JOB, spec(**more), 1)

    marks = json.loads(work.manifest)["spec"]["template"]["metadata"]
    assert (work.pods, work.jobs) == (0, 1)
    assert "team" in {*marks["labels"], *marks["annotations"]} or "metrics_port" in settings
    assert ("prometheus.io/port" in marks["annotations"]) == ("metrics_port" in settings)


def test_argo_is_its_own_launcher() -> None:
    launcher = ArgoLauncher()

    assert launcher.find_unsupported(spec()) == ()
    assert launcher.find_unsupported(spec(s3_out=True)) == ("s3_out",)
    with pytest.raises(NotImplementedError):
        launcher.launch(JOB, spec(), 1)
