from tests.unit.worker.executors.spawner.alone import run_alone


def test_descendants_die_also_those_that_left_their_session() -> None:
    said = run_alone("""if True:
        import os, subprocess
        from pfs_provider.worker.executors.spawner import kernel, processes
        kernel.reap_orphans()
        subprocess.run(["sh", "-c", "trap '' TERM; setsid sleep 60 & (setsid sleep 61 &) & true"])
        processes.end_descendants()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            print("none left")
    """)

    assert said == "none left\n"


def test_without_descendants_there_is_nothing_to_do() -> None:
    said = run_alone("""if True:
        from pfs_provider.worker.executors.spawner import processes
        processes.end_descendants()
        processes.end_namespace()
        print("alive")
    """)

    assert said == "alive\n"
