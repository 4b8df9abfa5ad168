"""A user container without a cluster: namespaces, a root of bind mounts with /pfs, the shim in it.

Stands for the kubelet: the shim is process 1, sees the datum's folder as /pfs and its own,
read-only, as /pfs-shim, starts in an empty folder with an environment of its own, is started again
when it ends, and is killed with the process that made it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from pfs_provider.worker.shim.install import BUSYBOX

_DIE_ALONG = ("setpriv", "--pdeathsig", "KILL")
_SETUP = """
set -e
new=$1 root=$2 shim=$3; shift 3
mount --make-rprivate /
mount -t tmpfs tmpfs "$new"
for path in ${BARE-/*}; do
  case $path in /proc | /pfs | /pfs-shim) continue ;; esac
  if [ -L "$path" ]; then cp -d "$path" "$new$path"
  elif [ -d "$path" ]; then mkdir "$new$path"; mount --rbind "$path" "$new$path"
  else : >"$new$path"; mount --bind "$path" "$new$path"; fi
done
mkdir "$new/proc" "$new/pfs" "$new/pfs-shim" "$new/pfs-workdir"
chmod 777 "$new/pfs-workdir"
mount --bind "$root" "$new/pfs"
mount --bind "$shim" "$new/pfs-shim"
mount -o remount,bind,ro "$new/pfs-shim"
set +e
while :; do
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child sh -c '
    new=$1; shift
    mount -t proc proc "$new/proc" && cd "$new" || exit
    exec "$BUSYBOX" chroot . /pfs-shim/busybox sh -c "cd /pfs-workdir; exec \\"\\$@\\"" - "$@"
  ' - "$new" "$@"
  sleep 0.2
done
"""


def find_busybox() -> str:
    """Return a static busybox, or skip the test with the way to get one."""
    for name in BUSYBOX:
        if Path(name).is_file():
            return name
    pytest.skip("there is no static busybox: apt-get install busybox-static")


class ShimContainer:
    """A user container, restarted when it ends; ``stop`` ends it for good.

    Args:
        folder: Where its root is made; must be empty.
        root: What it sees as /pfs.
        shim: What ``install`` made.
        env: The environment of the image.
        prefix: Starts the shim, for instance as another user.
        bare: Whether its image has nothing at all.
    """

    def __init__(
        self,
        folder: Path,
        *,
        root: Path,
        shim: Path,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        bare: bool = False,
    ) -> None:
        for tool in ("setpriv", "unshare"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is missing: apt-get install util-linux")
        power = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        variables = [f"{name}={value}" for name, value in (env or {}).items()]
        start = ["/pfs-shim/busybox", "sh", "/pfs-shim/shim.sh"]
        # A process namespace around all: a shim that became another user has forgotten with whom
        # it was to die.
        self._process = subprocess.Popen(
            [
                *_DIE_ALONG, "unshare", *power, "--mount", "--pid", "--fork", "--kill-child",
                "sh", "-c", _SETUP, "-", folder, root, shim, *prefix,
                "/pfs-shim/busybox", "env", "-i", *variables, *start,
            ],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"BUSYBOX": find_busybox()} | ({"BARE": ""} if bare else {}),
            stderr=sys.stderr.fileno() if _has_number(sys.stderr) else None,
        )  # fmt: skip

    def find_shim(self) -> int | None:
        """Return the number that the shim has on this machine; None while there is none."""
        found: list[int] = [self._process.pid]
        for _ in range(3):  # the keeper of the mounts, the loop, the keeper of the processes
            found = [child for pid in found for child in _children(pid)]
        for pid in found:
            with contextlib.suppress(OSError):
                if b"/pfs-shim/shim.sh" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return None

    def kill_shim(self, number: int = signal.SIGKILL) -> int:
        """Send the shim a signal; return its number."""
        pid = self.find_shim()
        assert pid is not None
        os.kill(pid, number)
        return pid

    def stop(self) -> None:
        """End it and all that runs in it."""
        self._process.kill()
        self._process.wait()


def _has_number(stream: object) -> bool:
    try:
        stream.fileno()  # type: ignore[attr-defined]  # a test runner's stand-in has none
    except (AttributeError, OSError, ValueError):
        return False
    return True


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            yield from map(int, path.read_text().split())
