"""Whether a port is free."""

import socket

from pfs_provider.worker.ports import is_port_free


def test_a_port_is_free_when_nobody_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_port_free(port)
    assert is_port_free(port)
