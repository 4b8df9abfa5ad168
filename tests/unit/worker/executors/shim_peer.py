"""The other end of the shim's FIFOs, for tests that say what a shim says."""

import base64
import os
import threading
from collections.abc import Callable
from pathlib import Path

from pfs_provider.worker.shim.install import install
from tests.contract.shim_container import find_busybox


class ShimPeer:
    """A shim whose answers a test decides. ``said`` holds what it was told.

    Args:
        folder: Is prepared if need be.
        answer: Gets the words of a message and returns the lines to answer with.
    """

    def __init__(self, folder: Path, answer: Callable[[list[str]], list[str]]) -> None:
        if not folder.exists():
            install(folder, busybox=[find_busybox()])
        self.said: list[str] = []
        self._answer = answer
        self._control, self._reply, self._alive = (
            os.open(folder / "io" / name, os.O_RDWR) for name in ("control", "reply", "alive")
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with os.fdopen(self._control, "rb", closefd=False) as lines:
            for line in lines:
                message = line.decode().rstrip("\n")
                if message == "leave":
                    break
                self.said.append(message)
                self.tell(*self._answer(message.split()))

    def tell(self, *lines: str) -> None:
        """Say lines of its own accord."""
        os.write(self._reply, "".join(f"{line}\n" for line in lines).encode())

    def die(self) -> None:
        """Let go of everything at once, as the kernel does with the dead."""
        os.write(self._control, b"leave\n")
        self._thread.join(5)
        for descriptor in (self._control, self._reply, self._alive):
            os.close(descriptor)


def greet_back(word: str, name: str = "S", environ: bytes = b"") -> list[str]:
    """Return the lines that answer a greeting."""
    return [f"here {word} {name}", *base64.encodebytes(environ).decode().split(), f"end {word}"]
