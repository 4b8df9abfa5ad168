"""A docker or podman for tests, and a small image that comes from no registry.

The image is a static busybox with its applets, a user `worker` (1000) and variables of its own.
Where no engine can start a container the tests that want one skip, and say what is missing.
"""

import functools
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pfs_provider.errors import PfsError
from pfs_provider.jobs.container_engine import ContainerEngine, find_engine
from pfs_provider.settings import engine_environment
from pfs_provider.worker.shim.install import BUSYBOX

__all__ = ["ask", "find_image", "find_test_engine", "host_tools", "list_containers"]

INSTALL = (
    "install podman (`apt-get install podman runc`) or start docker; where podman's own runtime "
    "does not fit the machine, CONTAINERS_CONF names a containers.conf with "
    '[engine] runtime = "runc", cgroup_manager = "cgroupfs"'
)
SETTINGS = (
    "ENV GREETING=hello",
    "ENV PATH=/bin",
    "ENV PYTHONPATH=/code",
    "WORKDIR /work",
)
FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nworker:x:1000:1000::/work:/bin/sh\n",
    "etc/group": "root:x:0:\nworker:x:1000:\n",
}


def find_test_engine() -> ContainerEngine:
    """Return an engine that starts containers; skip if there is none."""
    found = _find_engine()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def find_image(**files: str) -> str:
    """Return the name of the test image, which is there then; with modules in its ``/code``."""
    return _make_image(find_test_engine(), *sorted(files.items()))


def host_tools() -> tuple[str, ...]:
    """Return options by which a container has this machine's programs, found before busybox'."""
    return tuple(
        f"--mount=type=bind,source={path},target={path},readonly"
        for path in ("/usr", "/lib", "/lib64")
        if Path(path).is_dir()
    )


def list_containers(engine: ContainerEngine, *filters: str) -> list[str]:
    """Return the names of containers, running or not."""
    command = ["ps", "--all", "--format", "{{.Names}}", *(f"--filter={text}" for text in filters)]
    return ask(engine, *command).stdout.decode().split()


def ask(
    engine: ContainerEngine, *arguments: str, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [engine.program, *arguments],
        input=stdin,
        capture_output=True,
        env=dict(engine.environment),
        check=False,
        timeout=120,
    )


@functools.cache
def _find_engine() -> ContainerEngine | str:
    try:
        engine = find_engine(engine_environment())
    except PfsError as error:
        return f"no container engine: {error}. {INSTALL}"
    if not any(Path(name).is_file() for name in BUSYBOX):
        return "there is no static busybox: apt-get install busybox-static"
    done = ask(engine, "run", "--rm", "--pull", "never", _make_image(engine), "true")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        return f"{engine.program} cannot start a container: {said}. {INSTALL}"
    return engine


@functools.cache
def _make_image(engine: ContainerEngine, *modules: tuple[str, str]) -> str:
    data = _pack({f"code/{name}.py": text for name, text in modules})
    name = f"localhost/pfs-test:{hashlib.sha256(data).hexdigest()[:16]}"
    if ask(engine, "image", "inspect", name).returncode != 0:
        changes = [word for text in SETTINGS for word in ("--change", text)]
        done = ask(engine, "import", *changes, "-", name, stdin=data)
        assert done.returncode == 0, done.stderr.decode()
    return name


def _pack(more: Mapping[str, str]) -> bytes:
    """Return the image's files; the same on every run, so that it is made once a machine."""
    busybox = next(Path(name) for name in BUSYBOX if Path(name).is_file())
    listed = subprocess.run([busybox, "--list"], capture_output=True, check=True, text=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("work", 0o777)):
            _add(tar, name, tarfile.DIRTYPE, mode=mode)
        _add(tar, "bin/busybox", tarfile.REGTYPE, data=busybox.read_bytes())
        for applet in listed.stdout.split():
            if applet != "busybox":
                _add(tar, f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        _add(tar, "code", tarfile.DIRTYPE)
        for name, text in {**FILES, **more}.items():
            _add(tar, name, tarfile.REGTYPE, data=text.encode(), mode=0o644)
    return packed.getvalue()


def _add(
    tar: tarfile.TarFile,
    name: str,
    kind: bytes,
    *,
    mode: int = 0o755,
    data: bytes = b"",
    link: str = "",
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(data), link
    tar.addfile(entry, io.BytesIO(data))
