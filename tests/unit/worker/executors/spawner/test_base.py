import pytest

from tests.unit.worker.executors.spawner.alone import need_namespaces, run_alone

PROGRAM = """if True:
    import errno, os, sys
    from pfs_provider.worker.executors.spawner import base, kernel
    if sys.argv[1] == "old kernel":
        def refuse(target):
            raise OSError(errno.ENOSYS, "")
        kernel.make_read_only = refuse
    base.enter_mount_namespace()
    base.make_base()
    print(sorted(os.listdir("/")))
    for folder in ("", "/usr", "/etc", "/dev", "/run", "/sys"):
        try:
            os.mkdir(base.NEW + folder + "/pfs-test")
        except OSError as error:
            print(errno.errorcode[error.errno])
    print(sorted(os.listdir(base.NEW + "/dev"))[:3], os.listdir(base.NEW + "/pfs"))
    print(os.stat(base.EMPTY).st_mode & 0o777, os.path.isdir(base.OLD + "/proc/1"))
    with open(base.NEW + "/dev/null", "w") as null:
        null.write("x")
"""


@pytest.mark.parametrize("kernel", ["this kernel", "old kernel"])
def test_the_new_root_shows_the_machine_read_only(kernel: str) -> None:
    need_namespaces()

    top, *refusals, dev, covers = run_alone(PROGRAM, kernel).splitlines()

    assert top == "['empty', 'new', 'old', 'private']"
    assert len(refusals) == 6
    assert set(refusals) <= {"EROFS", "EACCES", "EPERM"}
    assert dev == "['fd', 'full', 'null'] []"
    assert covers == "0 True"


def test_what_cannot_be_shown_is_left_out() -> None:
    need_namespaces()

    said = run_alone("""if True:
        import os, tempfile
        from pfs_provider.worker.executors.spawner import base
        base.enter_mount_namespace()
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(folder + "/pipe")
            for name in ("pipe", "gone"):
                base._copy(f"{folder}/{name}", f"{folder}/copy-{name}")
            print(os.listdir(folder))
    """)

    assert said == "['pipe']\n"
