import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pfs_provider.argo.submission import Template, WebhookTarget, WorkflowTarget, render_workflow
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.keys import parse_job_ref
from tests.unit.argo.documents import judge

JOB = parse_job_ref("p/edges@" + "ab" * 16)


@dataclass
class Names:
    """A submitter that knows names only, as a cluster does."""

    workflows: dict[str, Any] = field(default_factory=dict)

    def submit(self, workflow: Mapping[str, Any]) -> None:
        name = workflow["metadata"]["name"]
        if name in self.workflows:
            raise ConflictError(ErrorCode.CLUSTER_OBJECT_EXISTS, name)
        self.workflows[name] = workflow


@dataclass
class Hook:
    url: str
    status: int = 200
    heard: list[tuple[str | None, Any]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Hook(f"http://127.0.0.1:{server.server_port}/job")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_a_job_told_twice_is_one_workflow() -> None:
    cluster = Names()
    target = WorkflowTarget(cluster, Template(name="pfs-pipeline"))

    target.tell(JOB)
    target.tell(JOB)

    (workflow,) = cluster.workflows.values()
    assert workflow["spec"]["arguments"]["parameters"] == [
        {"name": "pipeline", "value": "p/edges"},
        {"name": "job", "value": JOB.id},
    ]
    assert workflow["metadata"]["labels"]["pfs.job"] == JOB.id
    assert workflow["metadata"]["annotations"] == {"pfs/job": f"p/edges@{JOB.id}"}


def test_a_change_is_one_workflow_whatever_jobs_it_has() -> None:
    cluster = Names()
    target = WorkflowTarget(cluster, Template(name="pfs-pipelines"))

    target.tell(JOB)
    target.tell(parse_job_ref(f"p/montage@{JOB.id}"))

    (workflow,) = cluster.workflows.values()
    assert workflow["spec"]["arguments"]["parameters"] == [{"name": "change", "value": JOB.id}]


@pytest.mark.parametrize("name", ["pfs-pipeline", "pfs-pipelines", "mine"])
def test_a_workflow_is_valid_and_says_nothing_but_arguments(name: str) -> None:
    template = Template(name=name, cluster=True, arguments={"workers": "3"})

    workflow = render_workflow(template, JOB)

    assert list(judge("workflows").find_problems(workflow)) == []
    assert set(workflow["spec"]) == {"workflowTemplateRef", "arguments"}
    assert workflow["spec"]["workflowTemplateRef"]["clusterScope"] is True
    assert {"name": "workers", "value": "3"} in workflow["spec"]["arguments"]["parameters"]


def test_a_webhook_gets_ids_and_a_name_that_a_repeat_has_too(hook: Hook) -> None:
    target = WebhookTarget(hook.url, "secret")

    target.tell(JOB)
    target.tell(JOB)

    (one, two) = hook.heard
    assert one == two
    assert one[0] == "Bearer secret"
    assert one[1] == {
        "workflow": render_workflow(Template(name="pfs-pipeline"), JOB)["metadata"]["name"],
        "pipeline": "p/edges",
        "job": JOB.id,
    }


@pytest.mark.parametrize("status", [404, 503])
def test_a_webhook_that_does_not_take_it_is_unavailable(hook: Hook, status: int) -> None:
    hook.status = status

    with pytest.raises(UnavailableError, match=str(status)) as caught:
        WebhookTarget(hook.url).tell(JOB)

    assert caught.value.code == ErrorCode.WEBHOOK_UNAVAILABLE


def test_nobody_listens() -> None:
    with pytest.raises(UnavailableError, match="told again"):
        WebhookTarget("http://127.0.0.1:9/").tell(JOB)


def test_a_webhook_is_an_address_of_the_web() -> None:
    with pytest.raises(RefusedError, match="http://"):
        WebhookTarget("file:///etc/passwd")
