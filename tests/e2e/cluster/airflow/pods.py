"""Tasks on a real cluster, run as Airflow runs them: execute, trigger, resume, again."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger

from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.pfs import Pfs
from tests.cluster import Cluster

__all__ = ["Pods", "rebuild", "wait_for_event"]

WAIT_S = 120


@dataclass(slots=True)
class Pods:
    """A cluster, a catalog, and the words to use them."""

    cluster: Cluster
    options: dict[str, Any]
    pfs: Pfs

    @property
    def namespace(self) -> str:
        return str(self.options["namespace"])

    def create(self, command: str, **more: Any) -> None:
        """The pipeline ``copy`` over ``images``."""
        self.pfs.create_repo("images")
        spec = {
            "pipeline": {"name": "copy"},
            "transform": {"cmd": ["sh", "-c", command]},
            "input": {"pfs": {"repo": "images", "glob": "/*"}},
        }
        self.pfs.create_pipeline(spec | more)

    def put(self, n_files: int, prefix: str = "") -> str:
        with self.pfs.commit("images@master") as commit:
            for number in range(n_files):
                commit.put_file(f"/{prefix}{number:05}", b"x")
        return commit.id

    def operator(self, **kwargs: Any) -> PfsPipelineOperator:
        given = {"launcher": "kubernetes", "cluster": self.options} | kwargs
        return PfsPipelineOperator(task_id="copy", pipeline="copy", **given)

    def run(self, context: Any, **kwargs: Any) -> Any:
        """Run a task to its end, as a worker and a triggerer do in turns."""
        return self.go_on(lambda: self.operator(**kwargs).execute(context), context, **kwargs)

    def defer(self, context: Any, **kwargs: Any) -> TaskDeferred:
        """Run a task until it sleeps."""
        try:
            result = self.operator(**kwargs).execute(context)
        except TaskDeferred as deferred:
            return deferred
        raise AssertionError(f"it did not defer: {result}")

    def resume(self, deferred: TaskDeferred, context: Any, **kwargs: Any) -> Any:
        """Wait for the event as a triggerer does, and go on to the end."""

        def wait() -> Any:
            payload = wait_for_event(rebuild(deferred))
            verb = getattr(self.operator(**kwargs), deferred.method_name)
            return verb(context, payload, **(deferred.kwargs or {}))

        return self.go_on(wait, context, **kwargs)

    def go_on(self, step: Callable[[], Any], context: Any, **kwargs: Any) -> Any:
        try:
            return step()
        except TaskDeferred as deferred:
            return self.resume(deferred, context, **kwargs)

    def jobs(self) -> list[dict[str, Any]]:
        return self.cluster.get("jobs", self.namespace)

    def pods(self) -> list[dict[str, Any]]:
        return self.cluster.get("pods", self.namespace)

    def wait_until_empty(self, timeout_s: float = 60) -> None:
        """Return when no Job and no pod is left."""
        end = time.monotonic() + timeout_s
        while left := [*self.jobs(), *self.pods()]:
            assert time.monotonic() < end, f"left: {[each['metadata']['name'] for each in left]}"
            time.sleep(0.5)


def rebuild(deferred: TaskDeferred) -> Any:
    """The trigger as another process builds it."""
    path, kwargs = deferred.trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**kwargs)


def wait_for_event(trigger: BaseTrigger, timeout_s: float = WAIT_S) -> Any:
    async def first() -> Any:
        async for event in trigger.run():
            return event.payload
        return None

    return asyncio.run(asyncio.wait_for(first(), timeout_s))
