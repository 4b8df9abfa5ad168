"""What user code cannot see or change, with namespaces made by root and by an ordinary user."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, FailedError, RefusedError
from tests.contract.executors import ISOLATED, NOBODY, PATH, Bench, open_bench

UNCOVER = """
umount {hidden}; umount -l {hidden}; mount --move {hidden} /tmp; mount -o remount,rw {hidden}
unshare -Urm sh -c 'umount {hidden}; umount -l {hidden}; cat {hidden}/deep/secret'
unshare -Urm sh -c 'mkdir /tmp/m; mount --bind {parent} /tmp/m; cat /tmp/m/hidden/deep/secret'
unshare -Urm sh -c 'mount --rbind / /mnt; umount -R /mnt{hidden}; cat /mnt{hidden}/deep/secret'
unshare -Ur chroot / sh -c 'cd ../../../..; cat old{hidden}/deep/secret .{hidden}/deep/secret'
nsenter -t 1 -m -U cat {hidden}/deep/secret; nsenter -t 1 -U --preserve-credentials umount {hidden}
cat /proc/*/root{hidden}/deep/secret /proc/*/cwd{hidden}/deep/secret /proc/*/fd/*/deep/secret
cat /pfs/../hidden/deep/secret {hidden}/../hidden/deep/secret /pfs/../../hidden/deep/secret
rmdir {hidden}; mv {hidden} /tmp/away; mv {parent} /tmp/away
"""


@pytest.fixture(params=ISOLATED)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with open_bench(request.param) as bench:
        yield bench


def test_pfs_is_a_real_path_that_holds_just_the_datum(bench: Bench) -> None:
    assert bench.sh("cd /pfs/in; pwd -P; ls -A /pfs /pfs/in").split() == [
        "/pfs/in", "/pfs:", "in", "out", "/pfs/in:", "a.txt",
    ]  # fmt: skip


def test_no_pfs_is_left_on_the_machine(bench: Bench) -> None:
    existed = Path("/pfs").exists()

    bench.sh("touch /pfs/out/x")

    assert Path("/pfs").exists() == existed
    assert not Path("/pfs-home").exists()


def test_only_own_processes_are_visible(bench: Bench) -> None:
    numbers = bench.sh("exec ls /proc").split()

    pids = [int(word) for word in numbers if word.isdigit()]
    assert len(pids) == 2  # the first process and `ls`


def test_hidden_folders_and_files_cannot_be_read(bench: Bench) -> None:
    hidden = (bench.folder / "hidden", bench.folder / "credentials", bench.folder / "absent")

    script = (
        f"ls -R {hidden[0]} | grep secret; cat {hidden[0]}/deep/secret {hidden[1]} | grep secret"
    )
    outcome = bench.run("sh", "-c", script, hidden=hidden)

    assert outcome.exit_code == 1  # grep found nothing
    assert "secret\n" not in bench.log.read_text().replace("deep/secret", "")


def test_hidden_folders_cannot_be_uncovered(bench: Bench) -> None:
    hidden = bench.folder / "hidden"
    script = UNCOVER.format(hidden=hidden, parent=bench.folder)

    bench.run("sh", "-c", script, hidden=(hidden,), timeout_s=30)

    lines = bench.log.read_text().splitlines()
    assert "secret" not in lines
    assert len(lines) > 10  # the commands did run, and complained
    assert (hidden / "deep/secret").read_text() == "secret\n"


def test_a_hidden_folder_may_hold_the_task_itself(bench: Bench) -> None:
    said = bench.sh(
        f"cat /pfs/in/a.txt; touch /pfs/out/x; ls {bench.folder} 2>/dev/null | wc -l",
        hidden=(bench.folder,),
    )

    assert said.split()[0] == "hello"
    assert (bench.out / "x").exists()


def test_a_hidden_folder_outside_tmp_is_covered_for_every_task() -> None:
    # Folders outside /tmp are covered in another mount than those below it.
    with open_bench("root") as bench:
        folder = Path(tempfile.mkdtemp(dir="/var/lib"))
        try:
            (folder / "secret").write_text("secret")
            for _ in range(3):
                found = bench.sh(f"ls -A {folder}; cat {folder}/secret || true", hidden=(folder,))
                assert "secret" not in found.replace("/secret", "")
        finally:
            shutil.rmtree(folder)


def test_a_hidden_folder_named_through_a_link_is_covered(bench: Bench) -> None:
    link = bench.folder / "link"
    link.symlink_to("hidden")

    bench.run("cat", f"{bench.folder}/hidden/deep/secret", hidden=(link,))

    assert "secret\n" not in bench.log.read_text().replace("deep/secret", "")


def test_what_is_mounted_later_does_not_appear(bench: Bench) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount something on the machine: run the tests with sudo")
    folder = Path(tempfile.mkdtemp(dir="/var/lib"))
    folder.chmod(0o755)
    bench.sh("true")
    try:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)
        (folder / "late").touch()

        for _ in range(3):
            assert bench.sh(f"ls {folder}") == ""
    finally:
        subprocess.run(["umount", str(folder)], check=False)
        folder.rmdir()


def test_hiding_the_whole_machine_is_refused(bench: Bench) -> None:
    with pytest.raises(RefusedError, match="'/'"):
        bench.run("true", hidden=(Path("/"),))


def test_system_folders_are_read_only(bench: Bench) -> None:
    script = "for f in / /usr /etc /var /home /run /dev /sys; do touch $f/pfs-test 2>&1; done; true"

    said = bench.sh(script)

    assert len(said.splitlines()) == 8
    for line in said.splitlines():
        assert "Read-only file system" in line or "Permission denied" in line


def test_tmp_shows_the_machines_and_keeps_changes_private(bench: Bench) -> None:
    script = bench.folder / "script.sh"
    script.write_text("echo $0\n")
    script.chmod(0o644)

    said = bench.sh(f"sh {script}; echo x > /tmp/pfs-private; rm {script}; mkdir {script}; ls /tmp")

    assert "pfs-private" in said
    assert script.read_text() == "echo $0\n"
    assert not Path("/tmp/pfs-private").exists()
    assert "pfs-private" not in bench.sh("ls /tmp")


@pytest.mark.parametrize("place", ["$HOME", "/tmp", "/var/tmp", "/dev/shm"])
def test_scratch_places_are_writable_and_fresh_each_time(bench: Bench, place: str) -> None:
    env = {"PATH": PATH, "HOME": "/pfs-home"}

    for _ in range(2):
        said = bench.sh(
            f"cat {place}/pfs-x 2>/dev/null; echo old > {place}/pfs-x; echo new", env=env
        )
        assert said == "new\n"


def test_devices_that_programs_expect_are_there_and_no_others(bench: Bench) -> None:
    script = """
        head -c 8 /dev/urandom | wc -c; echo x > /dev/null; head -c 2 /dev/zero | wc -c
        echo y | cat /dev/stdin; ls /dev/fd | head -1
        find /dev -type b
    """

    assert bench.sh(script).split() == ["8", "2", "y", "0"]


@pytest.mark.parametrize("user", [None, "nobody"])
def test_standard_output_can_be_opened_by_its_name(bench: Bench, user: str | None) -> None:
    if bench.situation == "user" and os.geteuid() == 0:
        pytest.skip("here the tests are root and own the pipe: run them as an ordinary user")

    null = Path("/dev/null").stat()

    assert bench.sh("echo x > /dev/stdout; echo y > /dev/stderr", user=user) == "x\ny\n"
    assert bench.sh("cat /dev/stdin", user=user, stdin=("z",)) == "z\n"
    assert Path("/dev/null").stat().st_uid == null.st_uid


def test_a_terminal_can_be_opened(bench: Bench) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no /usr/bin/python3 to open a terminal with")

    said = bench.sh("/usr/bin/python3 -c 'import os, pty; print(os.ttyname(pty.openpty()[1]))'")

    assert said.startswith("/dev/pts/")


def test_no_power_over_mounts_is_left(bench: Bench) -> None:
    said = bench.sh("grep -E '^(NoNewPrivs|CapBnd|CapEff|CapPrm|CapInh|CapAmb)' /proc/self/status")

    words = dict(line.split(":\t") for line in said.splitlines())
    assert words.pop("NoNewPrivs") == "1"
    for mask in words.values():
        for capability in (2, 8, 16, 17, 18, 19, 21, 27, 31):  # sys_admin is 21, mknod 27
            assert not int(mask, 16) >> capability & 1


def test_root_cannot_reach_the_disk_or_the_kernels_settings() -> None:
    with open_bench("root") as bench:
        said = bench.sh(
            "mknod /tmp/disk b 254 0 2>&1; echo 1 2>&1 > /proc/sys/vm/drop_caches;"
            "echo x > /proc/sys/kernel/core_pattern; cd /proc/1/root && ls old; true"
        )

        assert "Operation not permitted" in said
        assert said.count("Read-only file system") == 2


def test_root_may_run_a_command_as_another_user() -> None:
    with open_bench("root") as bench:
        os.chown(bench.out, 0, 0)
        (bench.root / "in/a.txt").chmod(0o600)

        said = bench.sh(
            "id -u; id -g; cat /pfs/in/a.txt; touch /pfs/out/x", user=f"{NOBODY}:{NOBODY}"
        )

        assert said.split() == [str(NOBODY), str(NOBODY), "hello"]
        assert (bench.out / "x").stat().st_uid == NOBODY
        outcome = bench.run("sh", "-c", "id -un; pwd; touch here", user="nobody")
        assert outcome.exit_code == 0


def test_an_unknown_user_is_named() -> None:
    with open_bench("root") as bench, pytest.raises(FailedError, match="'nosuch'") as caught:
        bench.run("true", user="nosuch")

    assert caught.value.code == ErrorCode.USER_NOT_FOUND


def test_user_code_keeps_its_user(bench: Bench) -> None:
    uid = "0" if bench.situation == "root" else str(os.geteuid() or NOBODY)

    assert bench.sh("id -u; touch /pfs/out/x").split() == [uid]
    assert str((bench.out / "x").stat().st_uid) == uid


def test_set_user_id_programs_have_no_power(bench: Bench) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a program that would become root: run the tests with sudo")
    tool = bench.folder / "id"
    shutil.copy("/usr/bin/id", tool)
    tool.chmod(0o4755)

    assert bench.sh(f"{tool} -u", user=str(NOBODY)).strip() == str(NOBODY)


def test_a_user_that_cannot_be_become_is_ignored_with_one_notice() -> None:
    with open_bench("user") as bench:
        for _ in range(2):
            assert bench.sh("id -u", user="nosuch").strip() == str(os.geteuid() or NOBODY)

        (notice,) = bench.notices
        assert "'nosuch'" in notice


def test_the_spawners_own_process_cannot_be_looked_into(bench: Bench) -> None:
    look = "cat /proc/1/environ; ls -l /proc/1/fd /proc/1/cwd; head -c 1 /proc/1/mem"

    outcome = bench.run("sh", "-c", f"{look}; kill -9 1; kill 1; sleep 0.1; echo alive")

    assert outcome.exit_code == 0
    said = bench.log.read_text()
    assert said.count("Permission denied") >= 3
    assert said.endswith("alive\n")


def test_a_first_process_that_user_code_has_changed_is_not_used_again(bench: Bench) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit (util-linux) is missing: install it for this test")
    script = "grep -c ' 77 .*files' /proc/1/limits; prlimit --pid 1 --nofile=77:77; renice -n 1 1"

    for _ in range(4):
        bench.log.unlink(missing_ok=True)
        bench.run("sh", "-c", script)
        assert bench.log.read_text().splitlines()[0] == "0"


def test_tasks_follow_each_other_in_the_same_first_processes(bench: Bench) -> None:
    started = [bench.sh("cut -d' ' -f22 /proc/1/stat") for _ in range(8)]

    assert len(set(started)) <= 3  # the trial's, and the two that are kept


def test_a_task_does_not_see_another_tasks_shared_memory(bench: Bench) -> None:
    if shutil.which("ipcmk") is None:
        pytest.skip("ipcmk (util-linux) is missing: install it for this test")
    bench.sh("ipcmk -M 4096 >/dev/null")

    assert not bench.sh("ipcs -m | grep 0x || true").strip()


def test_a_fork_bomb_ends_with_its_timeout(bench: Bench) -> None:
    script = "n=0; while [ $n -lt 200 ]; do n=$((n+1)); (sleep 100 &) ; done; wait; sleep 100"

    outcome = bench.run("sh", "-c", script, timeout_s=1)

    assert outcome.timed_out
    assert bench.run("true").exit_code == 0


def test_a_task_whose_folder_is_gone_is_refused_with_its_path(bench: Bench) -> None:
    task = replace(bench.task("true"), root=bench.folder / "gone")

    with pytest.raises(Exception, match="gone"):
        bench.executor.run(task)
