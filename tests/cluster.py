"""A real Kubernetes for tests: where it is, our image in it, and how its pods reach MinIO.

Nothing is started here but a forwarder. A test that asks for a cluster that is not there skips, and
the reason names the variable and the script that provides it.

    KUBECONFIG              the cluster
    PFS_TEST_CLUSTER        folder of the test cluster's tools; ../shared/testcluster by default
    PFS_TEST_POD_HOST       address under which pods reach this machine; 10.91.0.1 by default
    PFS_TEST_WORKER_IMAGE   an image that the nodes have already, instead of one built here
"""

import compileall
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
WAY_OUT = 'eval "$(../shared/testcluster/up)" provides it'
BUSYBOX = Path("/bin/busybox")
USER_IMAGE = "busybox:1"
"""An image that every node of the test cluster has: a shell and nothing else."""
IMAGE_PYTHON = (3, 11)
"""Of the test cluster's Python image."""
SITE_PACKAGES = "usr/local/lib/python3.11/site-packages"
EXTRAS = ("kubernetes", "metrics", "postgres")
"""What the published image has, too."""
AIRFLOW = (
    "apache-airflow",
    "apache-airflow-core",
    "apache-airflow-task-sdk",
    "apache-airflow-providers-cncf-kubernetes",
)
"""What a task that is a pod has in the version of who sent it there."""
BUILD_S = 900
"""Longest time that images may take to build; the first one makes Debian and Python, too."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answers."""

    kubeconfig: Path

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """Run kubectl and return what it printed."""
        done = subprocess.run(
            ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def get(self, kind: str, namespace: str, *arguments: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        text = self.kubectl("get", kind, "-n", namespace, "-o", "json", *arguments)
        items: list[dict[str, Any]] = json.loads(text)["items"]
        return items

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """Make a namespace; remove it with all that is in it."""
        name = f"pfs-test-{uuid.uuid4().hex[:10]}"
        self.kubectl("create", "namespace", name)
        try:
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--wait=false")


@cache
def find_cluster() -> Cluster:
    """Return the cluster, or skip the test with the way to get one."""
    named = os.environ.get("KUBECONFIG")
    if not named:
        pytest.skip(f"KUBECONFIG is not set: {WAY_OUT}")
    if shutil.which("kubectl") is None:
        pytest.skip(f"kubectl is not on PATH: {WAY_OUT}")
    cluster = Cluster(Path(named))
    if not cluster.kubectl("get", "--raw=/readyz", "--request-timeout=5s", check=False):
        pytest.skip(f"the cluster that KUBECONFIG names does not answer: {WAY_OUT}")
    return cluster


def pod_host() -> str:
    """Return the address under which pods reach servers of this machine."""
    return os.environ.get("PFS_TEST_POD_HOST", "10.91.0.1")


@cache
def worker_image() -> str:
    """Return the name of an image of this source tree that all nodes have."""
    given = os.environ.get("PFS_TEST_WORKER_IMAGE")
    return given or _image_of_tree(
        "worker", [part for name in EXTRAS for part in ("--extra", name)]
    )


@cache
def airflow_image() -> str:
    """Return the name of an image of this source tree beside the Airflow that runs the tests.

    For tasks that are pods themselves.
    """
    pins = [f"{name}=={version(name)}" for name in AIRFLOW]
    extras = ("airflow-kubernetes", "postgres")
    wanted = [part for name in extras for part in ("--extra", name)]
    return _image_of_tree("airflow", [*wanted, *(part for pin in pins for part in ("--with", pin))])


def _image_of_tree(name: str, wanted: Sequence[str]) -> str:
    tool = _image_tool()
    named = f"pfs-test/{name}:{_source_digest(wanted)}"
    with _lock():
        if f"docker.io/{named}" in _run([tool, "list"]):
            _run([tool, "load", named])
        else:
            _build(tool, named, wanted)
    return named


def build_image(name: str, *, base: str | None = None, packages: Sequence[str] = ()) -> str:
    """Make an image of Python packages and return its name.

    Args:
        name: With a tag.
        base: What it is put on; Debian with Python by default.
        packages: Requirements.
    """
    tool = _image_tool()
    with _lock():
        if f"docker.io/{name}" in _run([tool, "list"]):
            _run([tool, "load", name])
        else:
            on = [] if base is None else ["--base", base]
            wanted = [part for package in packages for part in ("--with", package)]
            _run([tool, "python-app", name, *on, *wanted])
    return name


def image_from_folder(name: str, folder: Path, *options: str) -> str:
    """Make an image of files, unless it is there, put it into all nodes and return its name.

    Args:
        name: With a tag that differs where the files do.
        folder: Its root.
        options: ``--base``, ``--entrypoint``, … as the image tool takes them.
    """
    tool = _image_tool()
    with _lock():
        if f"docker.io/{name}" in _run([tool, "list"]):
            _run([tool, "load", name])
        else:
            _run([tool, "from-dir", name, str(folder), *options])
    return name


def _build(tool: str, name: str, wanted: Sequence[str]) -> None:
    """Put the static shell and this source tree on an image with all that it needs.

    What it needs changes seldom and takes a minute; the tree changes often and takes seconds.
    """
    assert BUSYBOX.is_file(), "busybox is missing: apt-get install busybox-static"
    said = (ROOT / "pyproject.toml").read_bytes() + " ".join(wanted).encode()
    needed = hashlib.sha256(said).hexdigest()[:12]
    python = f"pfs-test/python:{needed}"
    with tempfile.TemporaryDirectory() as folder:
        source, root = Path(folder, "source"), Path(folder, "root")
        source.mkdir()
        for part in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy2(ROOT / part, source)
        _copy_package(source)
        if f"docker.io/{python}" not in _run([tool, "list"]):
            _run([tool, "python-app", python, "--no-load", "--from", str(source), *wanted])
        (root / "bin").mkdir(parents=True)
        shutil.copy2(BUSYBOX, root / "bin" / "busybox")
        _copy_package(root / SITE_PACKAGES)
        _run([tool, "from-dir", name, str(root), "--base", python, "--user", "65532"])


def _copy_package(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pfs_provider", folder / "pfs_provider", ignore=ignored)
    if sys.version_info[:2] == IMAGE_PYTHON:  # else each worker compiles at each start
        compileall.compile_dir(
            folder, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
        )


def _source_digest(wanted: Sequence[str]) -> str:
    digest = hashlib.sha256(" ".join(wanted).encode())
    for path in sorted([ROOT / "pyproject.toml", *(ROOT / "pfs_provider").rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _image_tool() -> str:
    place = os.environ.get("PFS_TEST_CLUSTER") or str(ROOT.parent / "shared" / "testcluster")
    tool = Path(place, "image")
    if not tool.is_file():
        pytest.skip(
            f"{tool} is missing, which puts images into the nodes: PFS_TEST_CLUSTER names its "
            "folder, or PFS_TEST_WORKER_IMAGE an image that the nodes have"
        )
    return str(tool)


@contextmanager
def _lock() -> Iterator[None]:
    """One build at a time on this machine, whatever runs the tests."""
    place = Path(tempfile.gettempdir(), f"pfs-test-image-{os.getuid()}.lock")
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-2000:]}"
    return done.stdout
