from tests.unit.worker.executors.spawner.alone import run_alone


def test_tasks_are_done_one_after_another_and_reported_to_both_sides() -> None:
    said = run_alone("""if True:
        import json, os, socket
        from pfs_provider.worker.executors.spawner import kernel
        from pfs_provider.worker.executors.spawner.init import Init
        from pfs_provider.worker.executors.spawner.wire import Parcel, send
        pair = lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, theirs = pair()
        lifeline, end = os.pipe()
        pid = kernel.clone(0)
        if pid == 0:
            ours.close()
            os.close(end)
            Init(theirs, lifeline, None).run()
        for code in (3, 4):
            asked = {"cmd": ["sh", "-c", f"exit {code}"], "env": {"PATH": "/usr/bin:/bin"},
                     "cwd": "/", "hidden": [], "user": None}
            text, more = os.pipe()
            os.write(more, json.dumps(asked).encode())
            os.close(more)
            here, there = pair()
            null = os.open("/dev/null", os.O_RDWR)
            send(ours, Parcel(b"", text, there.fileno(), null, null))
            print(ours.recv(16), os.waitstatus_to_exitcode(json.loads(here.recv(999))["status"]))
        ours.close()
        theirs.close()
        print(os.waitpid(pid, 0)[1])
    """)

    assert said == "b'done' 3\nb'done' 4\n0\n"


def test_a_first_process_ends_with_the_spawner() -> None:
    said = run_alone("""if True:
        import os, socket
        from pfs_provider.worker.executors.spawner import kernel
        from pfs_provider.worker.executors.spawner.init import Init
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lifeline, end = os.pipe()
        os.close(end)
        pid = kernel.clone(0)
        if pid == 0:
            Init(theirs, lifeline, None).run()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    """)

    assert said == "1\n"
