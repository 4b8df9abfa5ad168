"""Jobs whose workers are pods: what they make, who may stop them, and what is left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.client import JOBS, KubeClient, open_client
from pfs_provider.k8s.cluster import make_cluster
from pfs_provider.k8s.manifests import render_job
from pfs_provider.k8s.pods import StoreAccess
from pfs_provider.pfs import Pfs
from pfs_provider.spec.load import load_specs
from tests.cluster import Cluster
from tests.cluster_jobs import (
    WAIT_S,
    check_outcome,
    copy_spec,
    pods,
    put_numbers,
    running,
    wait_for,
)
from tests.golden.test_manifests import FULL, PLAIN
from tests.services import StorePlace

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[KubeClient]:
    opened = open_client(make_cluster(options), SystemClock())
    yield opened
    opened.close()


def test_pods_work_the_datums_and_are_gone_afterwards(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 8)
    pfs.create_pipeline(copy_spec(workers=2, per_set=2))

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    check_outcome(pfs, cluster, options["namespace"], job, 8)


def test_the_command_line_runs_jobs_in_pods(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], pod_store: StorePlace, sqlite_url: str
) -> None:
    put_numbers(pfs, 2)
    pfs.create_pipeline(copy_spec())
    given = {f"PFS_K8S_{name.upper()}": value for name, value in options.items()}
    given |= {name.upper(): value for name, value in pod_store.options.items()}
    given |= {"PFS_CATALOG": sqlite_url, "PFS_STORE": pod_store.url}

    said = subprocess.check_output(
        [sys.executable, "-m", "pfs_provider.cli", "run", "--launcher", "kubernetes", "-o", "json"],
        env=os.environ | given, text=True,
    )  # fmt: skip

    assert json.loads(said)["state"] == "success"
    check_outcome(pfs, cluster, options["namespace"], pfs.list_jobs("up")[0], 2)


def test_a_new_file_is_one_new_datum(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    put_numbers(pfs, 2)
    pfs.create_pipeline(copy_spec())
    pfs.run(launcher="kubernetes", cluster=options)
    pfs.put_file("in@master:/0002", b"2\n")

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert (job.state, job.processed, job.skipped) == ("success", 1, 2)


def test_a_restricted_pod_in_a_restricted_namespace_works(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    cluster.kubectl("label", "namespace", options["namespace"],
                    "pod-security.kubernetes.io/enforce=restricted")  # fmt: skip
    put_numbers(pfs, 2)
    pfs.create_pipeline(copy_spec("touch /tmp/writable", transform={"user": "1000"}))

    (job,) = pfs.run(launcher="kubernetes", cluster=options | {"security": "restricted"})

    check_outcome(pfs, cluster, options["namespace"], job, 2)


def test_secrets_volumes_and_limits_of_a_spec_are_there_and_nothing_else_is(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], pod_store: StorePlace
) -> None:
    cluster.kubectl("create", "secret", "generic", "db", "-n", options["namespace"],
                    "--from-literal=password=geheim")  # fmt: skip
    put_numbers(pfs, 1)
    pfs.create_pipeline(copy_spec(
        'test "$PASSWORD" = geheim && test "$(cat /db/password)" = geheim || exit 3\n'
        "(env; cat /proc/*/environ /proc/mounts; find / -name '*token*' -path '*secrets*') "
        ">/pfs/out/seen 2>/dev/null; true",
        workers=1,
        transform={"memory_volume": True, "secrets": [
            {"name": "db", "key": "password", "env_var": "PASSWORD"},
            {"name": "db", "mount_path": "/db"},
        ]},
        resource_limits={"memory": "64Mi"},
        metadata={"labels": {"team": "vision"}},
    ))  # fmt: skip

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert (job.state, job.reason) == ("success", "")
    seen = pfs.read_file("up@master:/seen").decode(errors="replace")
    for secret in (*pod_store.options.values(), "PFS_STORE", "s3://", "serviceaccount"):
        assert secret not in seen
    assert "geheim" in seen


def test_a_job_that_is_stopped_leaves_no_pod(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 4)
    pfs.create_pipeline(copy_spec("sleep 60"))

    with running(pfs, options) as run:
        wait_for(lambda: pods(cluster, options["namespace"], phase="Running"))
        stopped = pfs.stop_job(f"up@{pfs.list_jobs('up')[0].id}")
        ended = run.result(WAIT_S)

    assert stopped.state == "killed"
    assert [job.state for job in ended] == ["killed"]
    wait_for(lambda: not pods(cluster, options["namespace"]))


@pytest.mark.parametrize("spec", [PLAIN, FULL], ids=["plain", "full"])
def test_the_api_server_takes_what_is_rendered(
    client: KubeClient, options: dict[str, Any], spec: dict[str, Any]
) -> None:
    made = load_specs(spec)[0].spec
    job = parse_job_ref(f"team/edges@{RandomIds().new_id()}")
    access = StoreAccess(url="s3://b/x", secret="keys", lease_s=20.0)
    cluster = make_cluster(options | {"labels": {"env": "prod"}, "service_account": "runner"})

    manifest = render_job(cluster, job, made, made.parallelism, access)
    seen = client.create(JOBS, manifest, dry_run=True)

    assert seen["spec"]["completions"] == made.parallelism
    pod = seen["spec"]["template"]["spec"]
    assert [part["name"] for part in pod["containers"]] == ["storage"]
    assert client.list_objects(JOBS) == []
