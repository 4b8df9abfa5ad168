"""A task's jobs as pods: begun, slept over, ended, on a real cluster."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.infos import CommitInfo
from tests.e2e.cluster.airflow.pods import Pods, rebuild, wait_for_event
from tests.unit.airflow.contexts import TaskInstance, task_context

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.timeout(900),
]

COPY = "cp -r /pfs/images/. /pfs/out/"


def test_a_task_sleeps_while_pods_work_and_gives_the_commits(pods: Pods) -> None:
    pods.create(COPY, parallelism_spec={"constant": 2})
    first, second = pods.put(6), pods.put(1, "more")
    context = task_context()

    result = pods.run(context)

    assert result == [f"default/copy@{first}", f"default/copy@{second}"]
    job = pods.pfs.inspect_job(f"copy@{second}")
    assert (job.processed, job.skipped, job.total) == (1, 6, 7)
    (made_of,) = pods.pfs.provenance(f"copy@{second}")
    assert isinstance(made_of, CommitInfo)
    assert (made_of.repo, made_of.id) == ("images", second)
    assert context["ti"].pushed["pfs_pods"].startswith(f"{pods.namespace}/pfs-copy-")


def test_a_retry_adopts_the_pods_that_the_last_try_left(pods: Pods) -> None:
    pods.create("sleep 3; " + COPY)
    job = pods.put(2)
    context = task_context()
    pods.defer(context)  # the worker is killed, the triggerer never hears of it
    (before,) = pods.jobs()

    context["ti"] = TaskInstance(try_number=2)
    result = pods.run(context)

    assert result == [f"default/copy@{job}"]
    assert before["metadata"]["annotations"]["pfs/try"] == "1"
    after = pods.jobs()
    assert [each["metadata"]["uid"] for each in after] in ([], [before["metadata"]["uid"]])
    info = pods.pfs.inspect_job(f"copy@{job}")
    assert (info.processed, info.total) == (2, 2)


def test_a_task_that_a_person_ends_leaves_no_pod_and_gives_the_job_back(pods: Pods) -> None:
    pods.create("sleep 600")
    job = pods.put(1)
    deferred = pods.defer(task_context())
    trigger = rebuild(deferred)

    asyncio.run(trigger.on_kill())
    pods.wait_until_empty()

    info = pods.pfs.inspect_job(f"copy@{job}")
    assert (info.state, info.reason) == ("starting", "stopped in Airflow")
    assert pods.pfs.claim_job("copy", owner="another") is not None


def test_a_triggerer_that_is_started_again_waits_on(pods: Pods) -> None:
    pods.create("sleep 4; " + COPY)
    job = pods.put(1)
    context = task_context()
    deferred = pods.defer(context)

    with pytest.raises(TimeoutError):
        wait_for_event(rebuild(deferred), timeout_s=3)

    assert len(pods.jobs()) == 1
    assert pods.resume(deferred, context) == [f"default/copy@{job}"]


def test_a_job_that_is_deleted_by_hand_is_made_again(pods: Pods) -> None:
    pods.create("sleep 2; " + COPY)
    job = pods.put(3)
    context = task_context()
    deferred = pods.defer(context)
    (made,) = pods.jobs()

    pods.cluster.kubectl("delete", "job", made["metadata"]["name"], "-n", pods.namespace)

    assert pods.resume(deferred, context) == [f"default/copy@{job}"]
    info = pods.pfs.inspect_job(f"copy@{job}")
    assert (info.processed, info.total) == (3, 3)


def test_a_failed_datum_fails_the_task_for_good_and_shows_its_last_words(
    pods: Pods, capsys: pytest.CaptureFixture[str]
) -> None:
    pods.create("echo no luck today; exit 3", datum_tries=1)
    job = pods.put(1)

    with pytest.raises(AirflowFailException, match=rf"copy@{job} failure: datum .* failed"):
        pods.run(task_context())

    said = capsys.readouterr().out
    assert "no luck today" in said
    assert "exit code 3" in said


def test_an_image_that_cannot_be_pulled_is_the_jobs_reason_and_then_its_end(pods: Pods) -> None:
    pods.create(COPY, transform={"cmd": ["true"], "image": "no-such-image:1"})
    job = pods.put(1)
    options = pods.options | {"start_timeout_s": 20.0}
    context = task_context()
    deferred = pods.defer(context, cluster=options)
    seen: dict[str, float] = {}

    async def watch() -> None:
        waiting = asyncio.create_task(_first(rebuild(deferred)))
        while not waiting.done():
            info = await asyncio.to_thread(pods.pfs.inspect_job, f"copy@{job}")
            said = await asyncio.to_thread(lambda: json.dumps(pods.pods()))
            if "cannot be pulled" in info.reason:
                seen.setdefault("job", time.monotonic())
            if "ErrImagePull" in said or "ImagePullBackOff" in said:
                seen.setdefault("pod", time.monotonic())
            await asyncio.sleep(0.5)

    asyncio.run(watch())
    with pytest.raises(AirflowFailException, match="no-such-image:1"):
        pods.resume(deferred, context, cluster=options)

    assert seen["job"] - seen["pod"] < 15
    pods.wait_until_empty()


def test_of_two_tasks_one_works_and_the_other_waits_for_the_same_result(pods: Pods) -> None:
    pods.create("sleep 3; " + COPY)
    job = pods.put(2)
    first = task_context(ti=TaskInstance(run_id="first"))
    second = task_context(ti=TaskInstance(run_id="second"))

    working, waiting = pods.defer(first), pods.defer(second)

    assert "PodsTrigger" in working.trigger.serialize()[0]
    assert "TurnTrigger" in waiting.trigger.serialize()[0]
    with ThreadPoolExecutor(2) as pool:
        results = [
            pool.submit(pods.resume, deferred, context).result
            for deferred, context in ((working, first), (waiting, second))
        ]
        assert [result() for result in results] == [[f"default/copy@{job}"]] * 2
    assert pods.pfs.list_jobs("copy")[0].id == job
    assert len(pods.pfs.list_jobs("copy")) == 1


def test_a_cluster_that_nobody_can_reach_is_one_clear_error_and_the_job_is_given_back(
    pods: Pods, tmp_path: Path
) -> None:
    pods.create(COPY)
    job = pods.put(1)
    nowhere = tmp_path / "nowhere"
    config = yaml.safe_load(Path(pods.options["kubeconfig"]).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nowhere.write_text(yaml.safe_dump(config))

    with pytest.raises(AirflowException, match=r"127\.0\.0\.1:1.*\[cluster-unavailable\]"):
        pods.run(task_context(), cluster=pods.options | {"kubeconfig": str(nowhere)})

    assert pods.pfs.inspect_job(f"copy@{job}").state == "starting"


def test_a_connection_says_where_the_cluster_is(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods.create(COPY)
    job = pods.put(1)
    text = Path(pods.options["kubeconfig"]).read_text()
    monkeypatch.setenv(
        "AIRFLOW_CONN_MY_CLUSTER",
        json.dumps(
            {
                "conn_type": "kubernetes",
                "extra": {"kube_config": yaml.safe_load(text), "namespace": pods.namespace},
            }
        ),
    )
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    images = {name: pods.options[name] for name in ("worker_image", "user_image")}

    result = pods.run(task_context(), cluster=images, kubernetes_conn_id="my_cluster")

    assert result == [f"default/copy@{job}"]


async def _first(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    return None
