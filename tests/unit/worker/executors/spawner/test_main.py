import json
import os
import socket
import subprocess
import sys

from tests.unit.worker.executors.spawner.alone import ROOT

PROGRAM = "from pfs_provider.worker.executors.spawner.main import main; main()"


def _start(worker: int) -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        arguments = [str(theirs.fileno()), "plain", str(worker)]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        return ours, subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)


def test_it_greets_and_ends_when_the_worker_hangs_up() -> None:
    control, process = _start(os.getpid())

    with control:
        assert json.loads(control.recv(999)) == {"kind": "plain"}
    assert process.wait(10) == 0


def test_it_serves_nobody_but_the_process_that_started_it() -> None:
    control, process = _start(1)

    with control:
        assert control.recv(999) == b""
    assert process.wait(10) == 0


def test_it_needs_nothing_but_the_standard_library() -> None:
    program = f"import sys; sys.path.append({str(ROOT)!r}); {PROGRAM.partition(';')[0]}; "
    listing = "print(*{name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names)"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program + listing],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert set(done.stdout.split()) == {"__main__", "pfs_provider"}
