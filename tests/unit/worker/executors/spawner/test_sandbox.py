import pytest

from pfs_provider.worker.executors.spawner.sandbox import KEPT_CAPABILITIES
from tests.unit.worker.executors.spawner.alone import need_namespaces, run_alone

PROGRAM = """if True:
    import errno, os, sys, tempfile
    from pfs_provider.worker.executors.spawner import base, kernel, sandbox
    folder = tempfile.mkdtemp()
    os.makedirs(folder + "/hidden/x")
    if sys.argv[1] == "no overlay":
        mount = kernel.mount
        def refuse(source, target, kind, flags=0, options=""):
            if kind == "overlay":
                raise OSError(errno.EPERM, "")
            mount(source, target, kind, flags, options)
        kernel.mount = refuse
    base.enter_mount_namespace()
    base.make_base()
    mounts = os.open("/old/proc/self/ns/mnt", os.O_RDONLY)
    pid = kernel.clone(kernel.CLONE_NEWPID)
    if pid == 0:
        for _ in range(2):
            sandbox.prepare(mounts)
        print(os.path.exists(folder), os.path.exists("/old"), os.listdir("/proc").count("1"))
        open("/tmp/mine", "w").close()
        os._exit(not sys.stdout.flush())
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), os.path.exists("/old/tmp/mine"))
    for name in ("/hidden/x", "/hidden", ""):
        os.rmdir("/old" + folder + name)
"""


@pytest.mark.parametrize(("how", "shows_tmp"), [("overlay", True), ("no overlay", False)])
def test_a_task_gets_a_tmp_of_its_own(how: str, shows_tmp: bool) -> None:
    need_namespaces()

    assert run_alone(PROGRAM, how).splitlines() == [f"{shows_tmp} False 1", "1 False"]


def test_root_keeps_no_capability_that_leads_out() -> None:
    for number in (2, 8, 16, 18, 19, 21, 27):  # dac_read_search … sys_admin, mknod
        assert not KEPT_CAPABILITIES >> number & 1
