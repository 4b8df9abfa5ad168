"""The client inside an event loop, against a real HTTP server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pfs_provider.airflow.triggers.kube import PAGE, AsyncKube, open_kube
from pfs_provider.errors import ErrorCode, PfsError
from tests.kube_api import NAMESPACE, Fault, KubeApi, kube_api

JOBS = "/apis/batch/v1/jobs"
PODS = "/api/v1/pods"
T = TypeVar("T")


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with kube_api() as served:
        yield served


def _with_kube(
    config: str | None, story: Callable[[AsyncKube], Awaitable[T]], namespace: str = NAMESPACE
) -> T:
    async def run() -> T:
        async with open_kube(namespace=namespace, kubeconfig=config, context=None) as kube:
            return await story(kube)

    return asyncio.run(run())


def _add(api: KubeApi, plural: str, name: str) -> dict[str, Any]:
    return dict(api.answer("POST", f"/api/v1/namespaces/{NAMESPACE}/{plural}", {
        "metadata": {"name": name}
    })[1])  # fmt: skip


def test_objects_are_found_changed_and_deleted(api: KubeApi, tmp_path: Path) -> None:
    _add(api, "jobs", "j")

    async def story(kube: AsyncKube) -> None:
        found = await kube.find(JOBS, "j")
        assert found is not None
        assert found["metadata"]["name"] == "j"
        await kube.patch(JOBS, "j", {"spec": {"parallelism": 9}})
        assert api.only("jobs")["spec"] == {"parallelism": 9}
        await kube.delete(JOBS, "j")
        await kube.delete(JOBS, "j")
        assert await kube.find(JOBS, "j") is None

    _with_kube(api.kubeconfig(tmp_path), story)


def test_lists_come_page_by_page(api: KubeApi, tmp_path: Path) -> None:
    for number in range(PAGE + 5):
        _add(api, "pods", f"p{number}")

    async def story(kube: AsyncKube) -> list[str]:
        return [pod["metadata"]["name"] async for pod in kube.list_objects(PODS)]

    assert len(_with_kube(api.kubeconfig(tmp_path), story)) == PAGE + 5
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(403, "jobs.batch is forbidden"), ErrorCode.CLUSTER_FORBIDDEN),
        (Fault(401, "Unauthorized"), ErrorCode.CLUSTER_FORBIDDEN),
        (Fault(503, "etcd is away"), ErrorCode.CLUSTER_UNAVAILABLE),
    ],
)
def test_refusals_are_our_errors(
    api: KubeApi, tmp_path: Path, fault: Fault, code: ErrorCode
) -> None:
    api.faults.append(fault)

    async def story(kube: AsyncKube) -> None:
        await kube.find(JOBS, "j")

    with pytest.raises(PfsError) as caught:
        _with_kube(api.kubeconfig(tmp_path), story)
    assert caught.value.code == code


def test_a_server_that_is_away_and_a_namespace_that_is_not_there_say_so(
    api: KubeApi, tmp_path: Path
) -> None:
    async def story(kube: AsyncKube) -> None:
        await kube.find(JOBS, "j")

    with pytest.raises(PfsError, match="other") as caught:
        _with_kube(api.kubeconfig(tmp_path), story, namespace="other")
    assert caught.value.code == ErrorCode.NAMESPACE_NOT_FOUND

    api.url = "http://127.0.0.1:1"
    with pytest.raises(PfsError, match=r"127\.0\.0\.1:1") as away:
        _with_kube(api.kubeconfig(tmp_path), story)
    assert away.value.code == ErrorCode.CLUSTER_UNAVAILABLE


def test_without_any_cluster_the_triggerer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    async def story(kube: AsyncKube) -> None:
        await kube.find(JOBS, "j")

    for config in (str(tmp_path / "missing"),):
        with pytest.raises(PfsError, match="triggerer") as caught:
            _with_kube(config, story)
        assert caught.value.code == ErrorCode.SETTINGS_ILLEGAL
