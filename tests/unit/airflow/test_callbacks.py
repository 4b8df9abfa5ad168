import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import V1Container, V1ObjectMeta, V1Pod, V1PodSpec, V1PodStatus

from pfs_provider.airflow.callbacks import pfs_mount
from pfs_provider.pfs import Pfs
from tests.pfs_world import engine_of
from tests.unit.airflow.contexts import task_context


def _mount(**kwargs: Any) -> Any:
    given = {"worker_image": "pfs:1", "store": "s3://b", "store_secret": "store"} | kwargs
    return pfs_mount({"images": "images@master"}, **given)


def _pod(phase: str = "Pending", **about: Any) -> V1Pod:
    base = V1Container(name="base", image="x:1")
    spec = V1PodSpec(containers=[base])
    return V1Pod(metadata=V1ObjectMeta(**about), spec=spec, status=V1PodStatus(phase=phase))


class _Cluster:
    """Where the pod has ended by now."""

    def __init__(self, annotations: dict[str, str]) -> None:
        self._annotations = annotations

    def read_namespaced_pod(self, *_: str) -> V1Pod:
        return _pod("Succeeded", annotations=self._annotations)


def _commit(home: Path) -> str:
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        pfs.create_repo("model")
        return f"default/images@{pfs.put_file('images@master:/a', b'x').id}"


def test_the_pod_sees_the_commit_and_only_our_containers_the_credentials(pfs_home: Path) -> None:
    commit = _commit(pfs_home)
    pod = _pod()

    _mount(output="model@master").on_pod_manifest_created(pod_request=pod, context=task_context())

    restore, keep = pod.spec.init_containers
    assert restore.command[:4] == ["python", "-m", "pfs_provider.worker.mounts", "restore"]
    assert restore.command[-1] == "/pfs/images"
    assert keep.restart_policy == "Always"
    assert keep.env_from[0].secret_ref.name == "store"
    (base,) = pod.spec.containers
    assert base.env_from is None
    assert [mount.mount_path for mount in base.volume_mounts] == ["/pfs"]
    assert pod.metadata.annotations == {"pfs/inputs": commit}
    assert pod.spec.termination_grace_period_seconds == 3600


def test_what_the_pod_kept_is_committed_with_provenance_when_it_ended_well(pfs_home: Path) -> None:
    commit = _commit(pfs_home)
    context = task_context()
    pod = _pod()
    mount = _mount(output="model@master")
    mount.on_pod_manifest_created(pod_request=pod, context=context)
    key = pod.spec.init_containers[-1].command[5]
    with Pfs(home=pfs_home) as pfs:
        told = json.dumps({"tree": pfs.mount_commit("images@master").tree})
        engine_of(pfs).objects.create(key, told.encode())

    failed = _pod("Failed", annotations=pod.metadata.annotations)
    mount.on_pod_completion(pod=failed, client=None, context=context)
    assert context["ti"].pushed == {}
    running = _pod("Running", annotations=pod.metadata.annotations)
    mount.on_pod_completion(pod=running, client=_Cluster(pod.metadata.annotations), context=context)

    with Pfs(home=pfs_home) as pfs:
        made = pfs.inspect_commit("model@master")
        assert made.provenance == (commit,)
        assert pfs.read_file("model@master:/a") == b"x"
    assert context["ti"].pushed["pfs_commit"] == f"default/model@{made.id}"


def test_without_output_nothing_is_kept(pfs_home: Path) -> None:
    _commit(pfs_home)
    pod = _pod()

    _mount().on_pod_manifest_created(pod_request=pod, context=task_context())
    _mount().on_pod_completion(pod=_pod("Succeeded"), client=None, context=task_context())

    assert len(pod.spec.init_containers) == 1
    assert pod.spec.termination_grace_period_seconds is None


def test_a_container_or_a_commit_that_is_not_there_is_named(pfs_home: Path) -> None:
    with pytest.raises(AirflowException, match="images"):
        _mount().on_pod_manifest_created(pod_request=_pod(), context=task_context())
    _commit(pfs_home)
    with pytest.raises(AirflowException, match="no container 'main', only base"):
        _mount(container="main").on_pod_manifest_created(pod_request=_pod(), context=task_context())
