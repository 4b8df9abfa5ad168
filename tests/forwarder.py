"""A door in front of a server, which a test can shut: connections are passed on, both ways."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

__all__ = ["Forwarder"]

BLOCK_BYTES = 1 << 16


class Forwarder:
    """Listens on one address and passes connections on to another. A context manager.

    Args:
        listen: Where to listen; port 0 takes a free one, which ``address`` tells.
        target: The server.
    """

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self._listen = listen
        self._target = target
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server: socket.socket | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._listen

    def start(self) -> None:
        """Let connections in; on the same port as before."""
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(self._listen)
        server.listen(512)
        self._listen = server.getsockname()
        self._server = server
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            server.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                taken, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken: socket.socket) -> None:
        with taken:
            try:
                beyond = socket.create_connection(self._target, timeout=10)
            except OSError:
                return
            with beyond:
                beyond.settimeout(None)
                for side in (taken, beyond):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {taken, beyond}
                back = threading.Thread(target=_copy, args=(beyond, taken), daemon=True)
                back.start()
                _copy(taken, beyond)
                back.join()
                with self._lock:
                    self._open -= {taken, beyond}


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BLOCK_BYTES):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
