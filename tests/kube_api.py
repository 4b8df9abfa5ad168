"""A Kubernetes API of one namespace for unit tests: real HTTP, objects in memory, no controllers.

It keeps jobs, pods, events and secrets as JSON, names its refusals as the real one does, and lets a
test put faults before the answers. What a Job causes, the test says: it writes pods and conditions.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAMESPACE = "work"


@dataclass(slots=True)
class Fault:
    """An answer in place of the real one, to the next request whose line has the text ``of``."""

    status: int
    message: str
    retry_after: str = ""
    of: str = ""


@dataclass(slots=True)
class KubeApi:
    """What is on the cluster. ``requests`` are methods with paths, ``faults`` come first."""

    url: str
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=lambda: [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    ])  # fmt: skip
    keeps_deleted: bool = False
    """Whether a deleted object stays, as with finalizers, until the test removes it."""

    def kubeconfig(self, folder: Path) -> str:
        """Write a kubeconfig that names this API and return its path."""
        path = folder / "kubeconfig"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": {"token": "secret-token"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
            "current-context": "fake",
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)

    def only(self, plural: str) -> dict[str, Any]:
        """Return the one object of a kind."""
        (found,) = (value for (kind, _), value in self.objects.items() if kind == plural)
        return found

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and JSON of one request."""
        url = urlsplit(path)
        parts = url.path.strip("/").split("/")
        if parts[-1] == "selfsubjectrulesreviews":
            return 201, {"status": {"resourceRules": self.rules, "incomplete": False}}
        at = parts.index("namespaces")
        # A part of an object, such as its status, is the object itself here.
        namespace, plural, name = parts[at + 1], parts[at + 2], "".join(parts[at + 3 : at + 4])
        if namespace != NAMESPACE:
            return _status(404, f'namespaces "{namespace}" not found')
        if method == "POST":
            return self._create(plural, body)
        if not name:
            return 200, self._page(self._list(plural, parse_qs(url.query)), parse_qs(url.query))
        found = self.objects.get((plural, name))
        if found is None:
            return _status(404, f'{plural} "{name}" not found')
        if method == "PATCH":
            _merge(found, body)
        elif method == "DELETE":
            wanted = (body or {}).get("preconditions", {}).get("uid")
            if wanted not in {None, found["metadata"]["uid"]}:
                return _status(409, "the UID in the precondition does not match")
            if self.keeps_deleted:
                found["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
            else:
                del self.objects[plural, name]
        return 200, found

    def _create(self, plural: str, body: Any) -> tuple[int, Any]:
        key = plural, body["metadata"]["name"]
        if key in self.objects:
            return _status(409, f'{plural} "{key[1]}" already exists')
        made = json.loads(json.dumps(body))
        made["metadata"] |= {"uid": str(uuid.uuid4()), "namespace": NAMESPACE}
        made.setdefault("status", {})
        self.objects[key] = made
        return 201, made

    def _page(self, found: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
        start = int(query.get("continue", ["0"])[0])
        stop = start + int(query.get("limit", [str(len(found) or 1)])[0])
        more = {"continue": str(stop)} if stop < len(found) else {}
        return {"metadata": more, "items": found[start:stop]}

    def _list(self, plural: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        label, _, value = query.get("labelSelector", [""])[0].partition("=")
        return [
            found
            for (kind, _), found in self.objects.items()
            if kind == plural
            and (not label or found["metadata"].get("labels", {}).get(label) == value)
        ]


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, part in patch.items():
        if isinstance(part, dict):
            _merge(target.setdefault(name, {}), part)
        else:
            target[name] = part


def _status(code: int, message: str) -> tuple[int, Any]:
    return code, {"kind": "Status", "code": code, "message": message, "reason": ""}


@contextmanager
def kube_api() -> Iterator[KubeApi]:
    """Serve an API on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    api = KubeApi(f"http://127.0.0.1:{server.server_address[1]}")
    server.api = api  # type: ignore[attr-defined] # the handler's way to it
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's acknowledgement

    def _serve(self) -> None:
        api: KubeApi = self.server.api  # type: ignore[attr-defined] # set above
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        line = f"{self.command} {self.path}"
        api.requests.append(line)
        headers = {}
        fault = next((fault for fault in api.faults if fault.of in line), None)
        if fault is not None:
            api.faults.remove(fault)
            status, found = _status(fault.status, fault.message)
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        else:
            status, found = api.answer(self.command, self.path, body)
        data = json.dumps(found).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 the base class's names

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
