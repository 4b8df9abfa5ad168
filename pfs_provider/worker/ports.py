"""Whether a port of this machine is free.

Must not know: who listens.
"""

import socket

__all__ = ["is_port_free"]


def is_port_free(port: int) -> bool:
    """Return whether a server could listen on a port of all addresses of this machine now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what lingers is no listener
        try:
            trial.bind(("", port))
        except PermissionError:
            return True  # this user may not have it: the command says so
        except OSError:
            return False
    return True
