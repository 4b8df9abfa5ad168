import errno
import os

import pytest

from pfs_provider.worker.executors.spawner import kernel
from tests.unit.worker.executors.spawner.alone import run_alone


def test_a_refusal_names_what_was_tried() -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        kernel.mount("tmpfs", "/no/such/folder", "tmpfs")

    assert caught.value.filename == "mount tmpfs on /no/such/folder"


def test_a_tree_that_does_not_exist_is_refused_by_its_name() -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - which errno depends on who asks first
        kernel.open_tree(b"/no/such/folder", "open /no/such/folder")

    assert caught.value.errno in {errno.ENOENT, errno.EPERM}
    assert caught.value.filename == "open /no/such/folder"


def test_a_clone_is_a_process_of_its_own() -> None:
    said = run_alone("""if True:
        import os
        from pfs_provider.worker.executors.spawner import kernel
        pid = kernel.clone(0)
        if pid == 0:
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    """)

    assert said == "7\n"


def test_new_privileges_are_forbidden_for_good() -> None:
    said = run_alone("""if True:
        import subprocess
        from pfs_provider.worker.executors.spawner import kernel
        kernel.forbid_new_privileges()
        subprocess.run(["grep", "NoNewPrivs", "/proc/self/status"])
    """)

    assert said.split() == ["NoNewPrivs:", "1"]


def test_programs_get_no_capability_outside_the_bound() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has capabilities to lose: run the tests with sudo")

    said = run_alone("""if True:
        import subprocess
        from pfs_provider.worker.executors.spawner import kernel
        kernel.bound_capabilities(1 << 5)
        kernel.forget_inheritable()
        subprocess.run(["grep", "-E", "Cap(Inh|Prm|Eff|Bnd|Amb)", "/proc/self/status"])
    """)

    masks = dict(line.split() for line in said.splitlines())
    assert int(masks["CapEff:"], 16) == int(masks["CapBnd:"], 16) == 1 << 5
    assert int(masks["CapInh:"], 16) == int(masks["CapAmb:"], 16) == 0
