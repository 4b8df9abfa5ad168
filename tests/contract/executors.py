"""The situations that executors are tested in, and a bench to run commands on.

root: real root. user: an ordinary user, become by setpriv if the tests run as root. fallback: a
machine that allows no namespaces, made so by a seccomp filter. shim: the user container of a pod,
made of namespaces. container: one of docker or podman.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.container import Box, ContainerExecutor
from pfs_provider.worker.executors.fallback import FallbackExecutor
from pfs_provider.worker.executors.probe import probe
from pfs_provider.worker.executors.process import ProcessExecutor
from pfs_provider.worker.executors.shim import ShimExecutor
from pfs_provider.worker.shim.install import install
from tests.containers import find_image, find_test_engine, host_tools
from tests.contract.shim_container import ShimContainer, find_busybox
from tests.contract.staged import Staged

SITUATIONS = ("root", "user", "fallback", "shim", "container")
SPAWNED = ("root", "user", "fallback")
ISOLATED = ("root", "user")
NOBODY = 65534
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
AS_NOBODY = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
)  # fmt: skip
FORBID = Path(__file__).with_name("without_namespaces.py")


@dataclass(slots=True)
class Bench(Staged):
    """An executor in one situation, and a staged datum to run commands on."""

    situation: str
    executor: ProcessExecutor | FallbackExecutor | ShimExecutor | ContainerExecutor
    folder: Path
    notices: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        return {"PATH": PATH}


@contextmanager
def open_bench(situation: str, **settings: object) -> Iterator[Bench]:
    """Yield a bench; skip, saying why, where this machine cannot have the situation."""
    folder = Path(tempfile.mkdtemp(prefix="pfs-bench-"))
    try:
        _stage(folder)
        notices: list[str] = []
        with ExitStack() as stack:
            executor: ProcessExecutor | FallbackExecutor | ShimExecutor | ContainerExecutor
            if situation == "shim":
                executor = _start_shim(folder, stack, settings)
            elif situation == "container":
                executor = make_container(**settings)
            else:
                executor = _make(situation, notices.append, settings)
            stack.enter_context(executor)
            yield Bench(situation, executor, folder, notices)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stage(folder: Path) -> None:
    (folder / "root/out").mkdir(parents=True)
    (folder / "root/in").mkdir()
    (folder / "root/in/a.txt").write_text("hello\n")
    (folder / "hidden/deep").mkdir(parents=True)
    (folder / "hidden/deep/secret").write_text("secret\n")
    (folder / "credentials").write_text("secret\n")
    folder.chmod(0o755)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


def _make(
    situation: str, say: Callable[[str], None], settings: dict[str, object]
) -> ProcessExecutor | FallbackExecutor:
    clock = SystemClock()
    if situation == "fallback":
        prefix = (sys.executable, str(FORBID))
        return FallbackExecutor("No.", clock=clock, say=say, prefix=prefix, **settings)  # type: ignore[arg-type]
    become = _become_user() if situation == "user" else _stay_root()
    ability = probe(clock=clock, **become)  # type: ignore[arg-type]
    if not ability.is_isolated:
        pytest.skip(ability.sentence)
    return ProcessExecutor(clock=clock, say=say, **become, **settings)  # type: ignore[arg-type]


def _start_shim(folder: Path, stack: ExitStack, settings: dict[str, object]) -> ShimExecutor:
    shim, container = folder / "shim", folder / "container"
    container.mkdir()
    install(shim, busybox=[find_busybox()])
    made = ShimContainer(container, root=folder / "root", shim=shim)
    stack.callback(made.stop)
    return ShimExecutor(shim, clock=SystemClock(), come_back_s=20, **settings)  # type: ignore[arg-type]


def make_container(*options: str, **settings: object) -> ContainerExecutor:
    """Return an executor with the test image; skip where there is no engine."""
    engine = find_test_engine()
    box = Box(
        engine=engine.program,
        image=find_image(),
        environment=engine.environment,
        options=("--network", "none", *host_tools(), *options),
        group=0 if engine.is_rootless else None,
    )
    return ContainerExecutor(box, clock=SystemClock(), **settings)  # type: ignore[arg-type]


def _stay_root() -> dict[str, object]:
    if os.geteuid() != 0:
        pytest.skip("the tests do not run as root: run them with sudo for this situation")
    return {}


def _become_user() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is missing: run the tests as an ordinary user instead")
    return {"python": find_python_for_all(), "prefix": AS_NOBODY}


def find_python_for_all() -> str:
    """Return a Python that every user may run; skip if there is none."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        real = Path(path).resolve()
        if real.exists() and all(folder.stat().st_mode & 0o001 for folder in real.parents):
            return path
    pytest.skip("no Python that an ordinary user may run: run the tests as one instead")
