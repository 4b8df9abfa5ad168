"""What a task is given wrongly: one clear error in the task and in the job, and no pod left.

The task runs as Airflow runs it, its wait in the triggerer included: what the engine refuses (see
tests/e2e/cluster/test_hindrances.py) has to come through to who looks at the task.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from pfs_provider.errors import PfsError
from tests.cluster import pod_host
from tests.e2e.cluster.airflow.pods import Pods
from tests.unit.airflow.contexts import task_context

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.timeout(900),
]

COPY = "cp -r /pfs/images/. /pfs/out/"
MOUNT = {"name": "nothing", "mountPath": "/x"}
UNMOUNTABLE = json.dumps([{"op": "add", "path": "/containers/0/volumeMounts/-", "value": MOUNT}])
TOO_MANY = 100_000


def _check_told(pods: Pods, words: str, spec: dict[str, Any], given: dict[str, Any]) -> None:
    """Check that task and job say the words, and that nothing is left."""
    pods.create(COPY, **spec)
    job = pods.put(1)
    options = pods.options | {"start_timeout_s": 8.0} | given.pop("cluster", {})

    with pytest.raises(AirflowException) as raised:
        pods.run(task_context(), cluster=options, **given)

    assert words in str(raised.value)
    assert str(raised.value).count(words) == 1  # once is enough
    info = pods.pfs.inspect_job(f"copy@{job}")
    assert words in info.reason
    assert info.state in {"starting", "failure"}
    pods.wait_until_empty()


@pytest.mark.parametrize(
    ("words", "spec", "given"),
    [
        ("no namespace 'pfs-nowhere'", {}, {"namespace": "pfs-nowhere"}),
        ('serviceaccount "nobody" not found', {}, {"cluster": {"service_account": "nobody"}}),
        ("no-such-program", {"transform": {"cmd": ["no-such-program"]}, "datum_tries": 1}, {}),
        ('Not found: "nothing"', {"pod_patch": UNMOUNTABLE}, {}),
        ("pod_patch", {}, {"pod_patch": "[{"}),
        ("100000 workers are not between 1 and", {}, {"workers": TOO_MANY}),
    ],
    ids=[
        "unknown-namespace", "unknown-service-account", "image-without-the-command",
        "patch-the-api-refuses", "patch-that-is-none", "100000-workers",
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_the_task_and_the_job(
    pods: Pods, words: str, spec: dict[str, Any], given: dict[str, Any]
) -> None:
    _check_told(pods, words, spec, dict(given))


def test_no_workers_at_all_are_refused_before_a_job_is_taken(pods: Pods) -> None:
    pods.create(COPY)
    job = pods.put(1)

    with pytest.raises(AirflowException, match="workers: 0 of them cannot work"):
        pods.run(task_context(), workers=0)

    assert pods.pfs.inspect_job(f"copy@{job}").state == "starting"
    assert pods.jobs() == []


def test_a_spec_that_asks_for_100_000_workers_makes_no_pipeline(pods: Pods) -> None:
    with pytest.raises(PfsError, match=r"parallelism_spec\.constant is 100000"):
        pods.create(COPY, parallelism_spec={"constant": TOO_MANY})

    assert list(pods.pfs.list_pipelines()) == []


def test_a_store_that_pods_cannot_reach_is_found_before_many_start(pods: Pods) -> None:
    with socket.socket() as free:
        free.bind((pod_host(), 0))
        port = free.getsockname()[1]
    pods.create(COPY, parallelism_spec={"constant": 200})
    job = pods.put(200)
    nowhere = f"s3://nowhere/x?endpoint=http://{pod_host()}:{port}"
    most = _most_of(pods)

    with pytest.raises(AirflowException, match="does not answer"):
        pods.run(task_context(), cluster=pods.options | {"store_url": nowhere})

    assert 1 <= most() <= 4
    info = pods.pfs.inspect_job(f"copy@{job}")
    assert info.state == "failure"
    assert str(port) in info.reason
    pods.wait_until_empty()


def test_a_connection_without_a_store_is_named_and_nothing_is_begun(
    pods: Pods, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods.create(COPY)
    job = pods.put(1)
    connection = {"conn_type": "pfs", "extra": {"catalog": sqlite_url}}
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps(connection))

    with pytest.raises(AirflowException, match="store"):
        pods.run(task_context())

    assert pods.pfs.inspect_job(f"copy@{job}").state == "starting"
    assert pods.jobs() == []


def _most_of(pods: Pods) -> Callable[[], int]:
    """Count pods beside the test until asked for the most that there were at once."""
    counts, ended = [0], threading.Event()

    def look() -> None:
        while not ended.is_set():
            counts.append(len(pods.pods()))
            time.sleep(0.3)

    thread = threading.Thread(target=look)
    thread.start()

    def stop() -> int:
        ended.set()
        thread.join()
        return max(counts)

    return stop
