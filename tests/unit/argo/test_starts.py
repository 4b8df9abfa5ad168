"""Workers' pods that do not start, against a real HTTP server; the test says what they wait for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.argo.names import NO_START
from pfs_provider.argo.starts import FINAL_S, Starts
from pfs_provider.argo.working import WORK_RETRY_IF
from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.client import open_client
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey
from tests.kube_api import NAMESPACE, Fault, KubeApi, kube_api
from tests.unit.k8s.conftest import HandClock

ID = "0" * 32
NO_SECRET = {"reason": "CreateContainerConfigError", "message": 'secret "nope" not found'}
NO_ANSWER = {"reason": "ImagePullBackOff", "message": "dial tcp: network is unreachable"}
TIMEOUT_S = 100.0


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with kube_api() as served:
        yield served


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def starts(api: KubeApi, clock: HandClock, tmp_path: Path) -> Iterator[Starts]:
    kubeconfig = api.kubeconfig(tmp_path)
    cluster = Cluster(namespace=NAMESPACE, worker_image="pfs:1", kubeconfig=kubeconfig)
    client = open_client(cluster, clock)
    job = JobRef(PipelineKey("default", "edges"), CommitId(ID))
    yield Starts(
        client=client,
        clock=clock,
        job=job,
        workflow="w",
        uid="u",
        start_timeout_s=TIMEOUT_S,
    )
    client.close()


def _put(
    api: KubeApi,
    name: str = "w-1",
    *,
    waiting: dict[str, str] | None = None,
    running: bool = False,
    workflow: str | None = "w",
    job: str = f"default/edges@{ID}",
) -> None:
    labels = {"pfs.job": ID}
    if workflow is not None:
        labels["workflows.argoproj.io/workflow"] = workflow
    main = {"running": {}} if running else {"waiting": {"reason": "PodInitializing"}}
    user = {"waiting": waiting} if waiting else {"running": {}}
    api.objects["pods", name] = {
        "metadata": {"name": name, "uid": name, "labels": labels, "annotations": {"pfs/job": job}},
        "spec": {},
        "status": {
            "phase": "Running" if running else "Pending",
            "initContainerStatuses": [{"name": "user", "image": "i", "state": user}],
            "containerStatuses": [{"name": "main", "image": "i", "state": main}],
        },
    }


def _put_job(api: KubeApi) -> None:
    api.objects["jobs", "j"] = {
        "metadata": {
            "name": "j",
            "uid": "j",
            "labels": {"pfs.workflow": "u"},
            "annotations": {"pfs/job": f"default/edges@{ID}"},
        },
        "spec": {"completions": 1, "parallelism": 1},
    }


def test_what_is_missing_is_told_when_it_has_been_missing_for_a_moment(
    starts: Starts, api: KubeApi, clock: HandClock
) -> None:
    _put(api, waiting=NO_SECRET)

    first = starts.look()
    clock.sleep(FINAL_S)
    second = starts.look()

    assert first is None
    assert second is not None
    assert 'secret "nope" not found' in second


def test_what_comes_in_time_is_not_missing(starts: Starts, api: KubeApi, clock: HandClock) -> None:
    _put(api, waiting=NO_SECRET)
    starts.look()
    _put(api)
    clock.sleep(FINAL_S / 2)
    starts.look()
    _put(api, waiting=NO_SECRET)
    clock.sleep(FINAL_S / 2)

    assert starts.look() is None


def test_a_registry_that_does_not_answer_is_waited_for(
    starts: Starts, api: KubeApi, clock: HandClock
) -> None:
    _put(api, waiting=NO_ANSWER)

    starts.look()
    clock.sleep(TIMEOUT_S - 1)
    before = starts.look()
    clock.sleep(1)
    after = starts.look()

    assert before is None
    assert after is not None
    assert "network is unreachable" in after


def test_where_one_worker_has_started_the_others_are_left_alone(
    starts: Starts, api: KubeApi, clock: HandClock
) -> None:
    _put(api, "w-1", waiting=NO_SECRET)
    _put(api, "w-2", running=True)

    starts.look()
    clock.sleep(TIMEOUT_S)

    assert starts.look() is None
    assert starts.has_started


def test_pods_of_other_workflows_and_jobs_are_nothing_to_it(
    starts: Starts, api: KubeApi, clock: HandClock
) -> None:
    _put(api, "x-1", waiting=NO_SECRET, workflow="x")
    _put(api, "w-2", waiting=NO_SECRET, job=f"default/montage@{ID}")

    starts.look()
    clock.sleep(TIMEOUT_S)

    assert starts.look() is None
    starts.end("because")
    assert not any(line.startswith(("PATCH", "DELETE")) for line in api.requests)


def test_pods_that_still_wait_in_the_end_are_deleted(starts: Starts, api: KubeApi) -> None:
    _put(api, "w-1", waiting=NO_SECRET)
    _put(api, "w-2", running=True)
    _put(api, "w-3", waiting=NO_SECRET)
    _put(api, "x-1", waiting=NO_SECRET, workflow="x")
    starts.end("no such secret")
    # One kubelet is quicker than the others.
    api.objects["pods", "w-3"]["status"] |= {"phase": "Pending", "reason": None}

    starts.clear()

    assert {name for kind, name in api.objects if kind == "pods"} == {"w-2", "x-1"}


def test_pods_that_are_given_up_fail_with_the_reason(starts: Starts, api: KubeApi) -> None:
    _put(api, "w-1", waiting=NO_SECRET)
    _put(api, "w-2", running=True)

    starts.end("no such secret")

    assert not any(line.startswith("DELETE") for line in api.requests)  # Argo would make it anew
    ended = api.objects["pods", "w-1"]
    assert ended["status"]["phase"] == "Failed"
    assert ended["status"]["message"] == f"no such secret; {NO_START}"
    assert NO_START in WORK_RETRY_IF
    assert api.objects["pods", "w-2"]["status"]["phase"] == "Running"
    assert [line for line in api.requests if "/status" in line] == [
        f"PATCH /api/v1/namespaces/{NAMESPACE}/pods/w-1/status"
    ]


def test_what_kept_the_job_is_deleted_in_the_end(starts: Starts, api: KubeApi) -> None:
    def put(name: str, workflow: str, job: str) -> None:
        _put(api, name, running=True, workflow=workflow, job=job)
        labels = api.objects["pods", name]["metadata"]["labels"]
        labels["pfs.step"] = "keep"
        del labels["pfs.job"]

    put("w-keep", "w", f"default/edges@{ID}")
    put("w-keep-2", "w", f"default/montage@{ID}")
    put("x-keep", "x", f"default/edges@{ID}")

    starts.clear()

    assert {name for kind, name in api.objects if kind == "pods"} == {"w-keep-2", "x-keep"}


def test_an_indexed_job_is_given_a_deadline_that_is_over(
    starts: Starts, api: KubeApi, clock: HandClock
) -> None:
    _put_job(api)
    _put(api, "j-0", waiting=NO_SECRET, workflow=None)

    starts.look()
    clock.sleep(FINAL_S)
    told = starts.look()
    starts.end(f"{told}")

    assert told is not None
    assert api.only("jobs")["spec"]["activeDeadlineSeconds"] == 1
    assert api.only("pods")["status"]["phase"] == "Pending"  # the Job's controller ends them


def test_a_job_whose_pods_are_refused_is_told_at_once(starts: Starts, api: KubeApi) -> None:
    _put_job(api)
    api.objects["events", "e"] = {
        "metadata": {"name": "e"},
        "reason": "FailedCreate",
        "count": 5,
        "message": 'Error creating: pods "j-0" is forbidden: violates PodSecurity "restricted"',
        "involvedObject": {"uid": "j"},
    }

    told = starts.look()

    assert told is not None
    assert "violates PodSecurity" in told


def test_without_the_right_to_see_events_and_jobs_pods_tell_enough(
    starts: Starts, api: KubeApi, clock: HandClock
) -> None:
    _put(api, waiting=NO_SECRET)
    starts.look()
    clock.sleep(FINAL_S)
    api.faults += [Fault(403, 'cannot list resource "events"', of="/events")]

    assert starts.look() is not None


def test_without_the_right_to_see_pods_it_says_so(starts: Starts, api: KubeApi) -> None:
    api.faults.append(Fault(403, 'User "x" cannot list resource "pods"', of="/pods"))

    with pytest.raises(UnavailableError) as caught:
        starts.look()

    assert caught.value.code == ErrorCode.CLUSTER_FORBIDDEN
    assert "list pods" in f"{caught.value}"
