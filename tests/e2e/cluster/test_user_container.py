"""One worker's pod, written by hand: the shim in somebody else's image, for real."""

import json
import time
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import USER_IMAGE, Cluster
from tests.services import StorePlace

pytestmark = pytest.mark.cluster

WORKER_ID = 65532
OUR_SECURITY = {
    "runAsUser": WORKER_ID,
    "runAsGroup": WORKER_ID,
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def make_pod(job: str, image: str, store: StorePlace, **user: Any) -> dict[str, Any]:
    """Return a pod that works a job; ``user`` is more of the user container."""
    shim = {"name": "shim", "mountPath": "/pfs-shim"}
    volume = {"name": "pfs", "mountPath": "/pfs-volume"}
    scratch = {"name": "scratch", "mountPath": "/tmp"}
    ours = {"image": image, "securityContext": OUR_SECURITY}
    install = ["python", "-m", "pfs_provider.worker.shim.install", "/pfs-shim"]
    worker = ["python", "-m", "pfs_provider.worker", job, "--executor", "shim", "--name", "pod"]
    worker += ["--shim", "/pfs-shim", "--root", "/pfs-volume/datum", "--log-json"]
    worker += ["--termination-log", "/dev/termination-log", "--memory-limit", "64Mi"]
    variables = store.options | {"PFS_STORE": store.url, "PFS_CONFIG": "/dev/null"}
    env = [{"name": name.upper(), "value": value} for name, value in variables.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "worker"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "fsGroup": WORKER_ID,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": name, "emptyDir": {}} for name in ("pfs", "shim", "scratch")],
            "initContainers": [
                {
                    "name": "install",
                    "command": [*install, "--volume", "/pfs-volume"],
                    "volumeMounts": [shim, volume],
                }
                | ours,
                {
                    "name": "user",
                    "image": USER_IMAGE,
                    "command": ["/pfs-shim/busybox", "sh", "/pfs-shim/shim.sh"],
                    "restartPolicy": "Always",
                    "volumeMounts": [
                        shim | {"readOnly": True},
                        {"name": "pfs", "mountPath": "/pfs", "subPath": "datum"},
                    ],
                }
                | user,
            ],
            "containers": [
                {
                    "name": "storage",
                    "command": worker,
                    "env": env,
                    "volumeMounts": [shim, volume, scratch],
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                }
                | ours
            ],
        },
    }


def start_job(pfs: Pfs, script: str, n_files: int) -> str:
    """Make a repo and a pipeline whose job is planned; return the job."""
    pfs.create_repo("in")
    pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
            "transform": {"cmd": ["sh"], "stdin": [script], "env": {"my-name": "x y"}},
            "datum_tries": 2,
        }
    )
    with pfs.commit("in@master") as commit:
        for number in range(n_files):
            commit.put_file(f"/{number:03}", f"{number}\n".encode())
    job = pfs.claim_job("up", owner="test")
    assert job is not None
    pfs.plan_job(f"up@{job.id}")
    return f"up@{job.id}"


def run_pod(cluster: Cluster, namespace: str, pod: dict[str, Any], wait_s: float = 300) -> Any:
    """Run a pod to its end and return it."""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", given=json.dumps(pod))
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        (found,) = cluster.get("pods", namespace)
        if found["status"]["phase"] in {"Succeeded", "Failed"}:
            return found
        time.sleep(0.5)
    pytest.fail(cluster.kubectl("describe", "pod", "-n", namespace))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("user", [None, 1234], ids=["root", "1234"])
def test_an_image_of_others_works_a_jobs_datums(
    cluster: Cluster, namespace: str, image: str, pod_store: StorePlace, pfs: Pfs, user: int | None
) -> None:
    script = (
        "umask 077; id -u; mkdir /pfs/out/d; tr 0-9 a-j < $in > /pfs/out/d/${in##*/}; "
        "ln -s $in /pfs/out/d/same-${in##*/}; (sleep 1000 &); "
        "chmod 000 $in 2>/dev/null; chmod 000 /pfs/out/d"
    )
    job = start_job(pfs, script, 50)
    security = {"allowPrivilegeEscalation": False} | ({} if user is None else {"runAsUser": user})

    pod = run_pod(cluster, namespace, make_pod(job, image, pod_store, securityContext=security))

    said = cluster.kubectl("logs", "-n", namespace, "worker", "-c", "storage")
    assert pod["status"]["phase"] == "Succeeded", said
    done = pfs.finish_job(job)
    assert (done.state, done.processed) == ("success", 50), done
    assert pfs.read_file("up@master:/d/017") == b"bh\n"
    assert pfs.read_file("up@master:/d/same-017") == b"17\n"
    events = [json.loads(line) for line in said.splitlines()]
    assert [event["event"] for event in events].count("datum-ended") == 50
    said_by_user = {event["text"] for event in events if event["event"] == "user"}
    assert said_by_user == {str(user or 0)}
    ends = [status["state"]["terminated"] for status in pod["status"]["initContainerStatuses"]]
    assert [end["exitCode"] for end in ends] == [0, 0]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("script", "code"),
    [("exec tail /dev/zero", 137), ("tail /dev/zero; exit $?", 137), ("kill 1; sleep 60", 137)],
    ids=["command", "child", "container"],
)
def test_a_datum_whose_memory_ran_out_fails_alone(
    cluster: Cluster,
    namespace: str,
    image: str,
    pod_store: StorePlace,
    pfs: Pfs,
    script: str,
    code: int,
) -> None:
    job = start_job(pfs, f"if grep -q 1 $in; then {script}; fi; cp $in /pfs/out", 3)
    limits = {"limits": {"memory": "64Mi"}}

    pod = run_pod(cluster, namespace, make_pod(job, image, pod_store, resources=limits))

    said = cluster.kubectl("logs", "-n", namespace, "worker", "-c", "storage")
    assert pod["status"]["phase"] == "Succeeded", said
    done = pfs.finish_job(job)
    assert done.state == "failure"
    assert "more memory than its limit of 64Mi" in done.reason
    datums = {datum.files[0][-3:]: datum for datum in pfs.list_datums(job)}
    states = {name: datum.state for name, datum in datums.items()}
    assert states == {"000": "success", "001": "failed", "002": "success"}
    assert datums["001"].tries == 2
