"""Somebody's own pod over datums, on a real cluster: what its template says holds in the pods."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.airflow.operators.job import PfsJobOperator
from pfs_provider.infos import CommitInfo
from tests.cluster import USER_IMAGE
from tests.e2e.cluster.airflow.pods import Pods
from tests.unit.airflow.contexts import TaskInstance, task_context

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.timeout(600),
]

SEEN = """\
set -e
for path in /pfs/images/*; do name=${path##*/}; done
{
  cat /models/weights; echo
  echo "$GREETING $TOKEN $NODE $MEMORY $(pwd) $(id -u)"
  env | grep -E 'AWS|PFS_STORE|KUBERNETES_SERVICE_TOKEN' || echo "no credentials"
  ls /var/run/secrets 2>/dev/null || echo "no token"
} > /pfs/out/$name
"""
POD: dict[str, Any] = {
    "metadata": {"name": "detector"},
    "spec": {
        "nodeSelector": {"kubernetes.io/hostname": "node-2"},
        "volumes": [{"name": "models", "configMap": {"name": "models"}}],
        "containers": [
            {
                "name": "base",
                "image": USER_IMAGE,
                "command": ["sh", "-c", SEEN],
                "workingDir": "/models",
                "env": [
                    {"name": "GREETING", "value": "hello"},
                    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                    {
                        "name": "MEMORY",
                        "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}},
                    },
                ],
                "envFrom": [{"secretRef": {"name": "theirs"}}],
                "resources": {"limits": {"memory": "96Mi"}},
                "securityContext": {"runAsUser": 4321},
                "volumeMounts": [{"name": "models", "mountPath": "/models"}],
            }
        ],
    },
}


@dataclass(slots=True)
class OwnPods(Pods):
    """The same words for tasks with a pod template."""

    def operator(self, **kwargs: Any) -> PfsJobOperator:
        given: dict[str, Any] = {
            "pod_template": POD, "input": "images:/*", "output": "boxes", "workers": 2,
            "cluster": self.options,
        }  # fmt: skip
        return PfsJobOperator(task_id="detect", **(given | kwargs))


@pytest.fixture
def own(pods: Pods) -> OwnPods:
    namespace = ("-n", pods.namespace)
    pods.cluster.kubectl("create", "configmap", "models", "--from-literal=weights=7", *namespace)
    pods.cluster.kubectl(
        "create", "secret", "generic", "theirs", "--from-literal=TOKEN=s3cr3t", *namespace
    )
    pods.pfs.create_repo("images")
    return OwnPods(cluster=pods.cluster, options=pods.options, pfs=pods.pfs)


def test_each_datum_is_seen_by_the_pod_as_its_template_says(own: OwnPods) -> None:
    commit = own.put(3)
    context = task_context()

    result = own.run(context)

    (job,) = own.pfs.list_jobs("boxes")
    assert result == [f"default/boxes@{job.id}"]
    assert (job.state, job.processed, job.total) == ("success", 3, 3)
    for number in range(3):
        said = own.pfs.read_file(f"boxes@master:/{number:05}").decode().splitlines()
        assert said == [
            "7", f"hello s3cr3t node-2 {96 << 20} /models 4321", "no credentials", "no token",
        ]  # fmt: skip
    (made_of,) = own.pfs.provenance(f"boxes@{job.id}")
    assert isinstance(made_of, CommitInfo)
    assert (made_of.repo, made_of.id) == ("images", commit)
    own.wait_until_empty()


def test_only_what_is_new_is_worked_until_the_template_says_something_else(
    own: OwnPods, tmp_path: Path
) -> None:
    own.put(2)
    own.run(task_context())
    more = own.put(1, "more")

    own.run(task_context(ti=TaskInstance(run_id="second")))
    template = tmp_path / "pod.yaml"
    template.write_text(yaml.safe_dump(POD).replace("hello", "good day"))
    own.run(task_context(ti=TaskInstance(run_id="third")), pod_template=template)

    newest, second, _ = own.pfs.list_jobs("boxes")
    assert second.id == more
    assert (second.processed, second.skipped, second.total) == (1, 2, 3)
    assert (newest.processed, newest.skipped, newest.total) == (3, 0, 3)
    assert b"good day s3cr3t" in own.pfs.read_file("boxes@master:/00000")


def test_a_retry_adopts_the_pods_and_changes_nothing_about_the_pipeline(own: OwnPods) -> None:
    slow = {"spec": {**POD["spec"], "containers": [{
        **POD["spec"]["containers"][0], "command": ["sh", "-c", "sleep 4; " + SEEN],
    }]}}  # fmt: skip
    own.put(2)
    context = task_context()
    own.defer(context, pod_template=slow)  # the worker is killed, the triggerer never hears of it
    (before,) = own.jobs()

    context["ti"] = TaskInstance(try_number=2)
    own.run(context, pod_template=slow)

    after = own.jobs()
    assert [each["metadata"]["uid"] for each in after] in ([], [before["metadata"]["uid"]])
    assert own.pfs.inspect_pipeline("boxes").version == 1
    (job,) = own.pfs.list_jobs("boxes")
    assert (job.processed, job.total) == (2, 2)


def test_a_volume_that_is_not_there_is_the_tasks_error_and_no_pod_is_left(own: OwnPods) -> None:
    own.cluster.kubectl("delete", "configmap", "models", "-n", own.namespace)
    own.put(1)

    with pytest.raises(AirflowFailException, match='configmap "models" not found'):
        own.run(task_context(), cluster=own.options | {"start_timeout_s": 8.0})

    own.wait_until_empty()


def test_what_cannot_be_carried_over_is_refused_before_anything_is_made(own: OwnPods) -> None:
    probe = {**POD["spec"]["containers"][0], "livenessProbe": {"exec": {"command": ["true"]}}}

    with pytest.raises(AirflowException, match=r"containers\[base\]\.livenessProbe"):
        own.run(task_context(), pod_template={"containers": [probe]})

    assert not [repo for repo in own.pfs.list_repos() if repo.name == "boxes"]
    assert own.jobs() == []
