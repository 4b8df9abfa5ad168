"""What only the shim does: exact words, somebody else's image, what user code leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from pfs_provider.errors import FailedError
from tests.contract.executors import NOBODY, find_python_for_all
from tests.contract.shim_container import find_busybox
from tests.contract.shim_pod import IMAGE, Pod
from tests.contract.test_executor import ROOT, find_processes


def test_the_images_environment_stays_below_the_tasks(pod: Pod) -> None:
    pod.run("env", env={"KEPT": "no", "in": "/pfs/in/a"})

    lines = pod.log.read_text().splitlines()
    assert sorted(lines) == sorted(
        f"{name}={value}" for name, value in (IMAGE | {"KEPT": "no", "in": "/pfs/in/a"}).items()
    )


def test_a_command_starts_where_the_image_says(pod: Pod) -> None:
    assert pod.sh("pwd") == "/pfs-workdir\n"
    assert pod.sh("pwd", working_dir="/pfs/in") == "/pfs/in\n"
    assert pod.sh("pwd") == "/pfs-workdir\n"


def test_a_missing_working_dir_is_named_to_its_first_line(pod: Pod) -> None:
    with pytest.raises(FailedError, match="working_dir '/no such'"):
        pod.run("true", working_dir="/no such\ndone x")

    assert pod.sh("echo fine") == "fine\n"


@pytest.mark.parametrize("name", ["my-input", "a.b", "1st", "ü", "-x", " ", "a'b", "x\ny", "$(id)"])
def test_a_variable_may_have_any_name(pod: Pod, name: str) -> None:
    pod.run("cat", "/proc/self/environ", env={name: "value"})

    assert f"\0{name}=value\0".encode() in b"\0" + pod.log.read_bytes()


def test_arguments_and_values_arrive_byte_by_byte(pod: Pod) -> None:
    every = os.fsdecode(bytes(range(1, 256)))
    words = (every, "", " ", "-n", "'", "''", "\\", "\n", "a\n\n", "$HOME", "`id`", "*", "ü\udcff")

    pod.run("cat", "/proc/self/cmdline", "/proc/self/environ", "--", env={"VALUE": every + "\n"})
    assert f"VALUE={every}\n\0".encode(errors="surrogateescape") in pod.log.read_bytes()
    pod.log.unlink()
    pod.run("sh", "-c", 'printf "%s\\0" "$@"', *words)

    said = pod.log.read_bytes().split(b"\0")
    assert said == [os.fsencode(word) for word in words[1:]] + [b""]


def test_large_arguments_and_values_arrive_whole(pod: Pod) -> None:
    value = "x'y" * 40_000

    said = pod.sh('printf %s "$LARGE" | wc -c; printf %s "$0" | wc -c', env={"LARGE": value})

    assert said.split()[0] == "120000"
    outcome = pod.run("sh", "-c", 'test "${#1}" = 120000', "-", value)
    assert outcome.exit_code == 0


def test_an_image_needs_nothing_at_all(empty_pod: Pod) -> None:
    shutil.copy(find_busybox(), empty_pod.root / "in/cat")
    (empty_pod.root / "in/a.txt").write_text("hello\n")
    empty_pod.start(bare=True, env={})

    outcome = empty_pod.run("/pfs/in/cat", "/pfs/in/a.txt")

    assert outcome.exit_code == 0
    assert empty_pod.log.read_text() == "hello\n"


def test_words_for_others_and_from_before_do_nothing(pod: Pod) -> None:
    noise = (
        b"run x y\nkill x y\npoke x y\nended y 0\nfailed y missing z\n\n \nCommand terminated by\n"
    )
    answers = b"here - x\nhere x y\nend x\ndone x y exit 0\ndone\n\xff\xfe\nhere"
    for name, said in (("control", noise), ("reply", answers + b"\n")):
        opened = os.open(pod.shim / "io" / name, os.O_RDWR)
        os.write(opened, said)
        assert pod.sh("echo fine; exit 0") == "fine\n"
        os.write(opened, said)
        assert pod.run("sh", "-c", "exit 7").exit_code == 7
        os.close(opened)


def test_a_gigabyte_of_output_holds_nobody_up(pod: Pod) -> None:
    outcome = pod.run("head", "-c", str(1 << 30), "/dev/zero", max_log_bytes=1 << 16)

    assert outcome.exit_code == 0
    assert outcome.n_log_bytes_dropped == (1 << 30) - (1 << 16)


def test_daemons_and_orphans_are_gone_after_every_task(pod: Pod) -> None:
    mark = f"86407.{os.getpid()}"
    script = f"n=0; while [ $n -lt 200 ]; do n=$((n+1)); (setsid sleep {mark} &); done"

    for _ in range(3):
        assert pod.run("sh", "-c", script).exit_code == 0
        assert find_processes(mark) == []
    assert pod.sh("ls -d /proc/[1-9]* | wc -l").strip() <= "6"


def test_a_command_that_goes_on_forking_ends_with_its_timeout(pod: Pod) -> None:
    script = "bomb() { sleep 100 & (bomb &); sleep 0.02; }; bomb; sleep 100"

    outcome = pod.run("sh", "-c", script, timeout_s=1)

    assert outcome.timed_out
    assert pod.sh("ls -d /proc/[1-9]* | wc -l").strip() <= "6"


def test_bodies_are_taken_away_while_a_task_runs(pod: Pod) -> None:
    script = "n=0; while [ $n -lt 50 ]; do n=$((n+1)); (true &); done; sleep 2.5"
    script += "; cat /proc/[1-9]*/stat; :"

    assert ") Z " not in pod.sh(script)


def test_a_command_that_kills_all_it_can_has_killed_itself(pod: Pod) -> None:
    outcome = pod.run("sh", "-c", "kill -9 -1; sleep 0.1; kill -9 $$")

    assert (outcome.exit_code, outcome.signal) == (None, signal.SIGKILL)
    assert pod.sh("echo again") == "again\n"


def test_a_task_leaves_no_file_beside_the_shim(pod: Pod) -> None:
    pod.sh("true", stdin=("x",))

    assert list((pod.shim / "tasks").iterdir()) == []
    with pytest.raises(FailedError):
        pod.run("nope")
    assert list((pod.shim / "tasks").iterdir()) == []


def test_a_shim_that_is_not_the_first_process_refuses_to_work(empty_pod: Pod) -> None:
    command = [str(empty_pod.shim / "busybox"), "sh", str(empty_pod.shim / "shim.sh")]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)

    assert done.returncode == 1
    assert "share process namespaces" in done.stderr


_LEAVE = """
umask 077; cd /pfs/out; mkdir -p deep/er shut; echo x > deep/er/file; echo y > secret
chgrp -R {user} deep secret; chmod 000 deep/er deep secret shut; mkdir sticky; touch sticky/file
chmod 1777 sticky; ln -s /etc/passwd /pfs/in/link; rm -r /pfs/in/folder; touch /pfs/own; exit 0
"""


def test_what_another_user_leaves_is_read_and_removed(empty_pod: Pod) -> None:
    if os.geteuid() != 0:
        pytest.skip("the tests do not run as root: run them with sudo to be two users")
    user = 12345
    program = """if True:
        import os, sys
        from pathlib import Path
        os.umask(0o002)
        from pfs_provider.clock import SystemClock
        from pfs_provider.worker.executors.shim import ShimExecutor
        from pfs_provider.worker.executors.port import Task
        from pfs_provider.worker.staging import clear_root
        shim, root, log, script = sys.argv[1:]
        Path(root, "in/folder").mkdir(parents=True)
        Path(root, "in/folder/file").touch()
        Path(root, "out").mkdir()
        with ShimExecutor(Path(shim), clock=SystemClock()) as executor:
            task = Task(root=Path(root), cmd=("sh", "-c", script), env={}, log=Path(log))
            outcome = executor.run(task)
            assert outcome.exit_code == 0, (outcome, Path(log).read_text())
            files = [path for path in Path(root).rglob("*") if path.is_file()]
            print(sorted(path.read_text() for path in files if not path.is_symlink()))
            clear_root(Path(root))
            print(list(Path(root).iterdir()))
    """
    shutil.rmtree(empty_pod.root)
    empty_pod.root.mkdir(mode=0o2775)
    empty_pod.root.chmod(0o2775)
    for path in (empty_pod.folder, *empty_pod.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    for path in (empty_pod.folder, *empty_pod.folder.parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    empty_pod.start(
        prefix=(
            str(shutil.which("setpriv")),
            f"--reuid={user}",
            f"--regid={user}",
            f"--groups={NOBODY}",
        ),
    )
    paths = (str(path) for path in (empty_pod.shim, empty_pod.root, empty_pod.log))
    worker = [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        find_python_for_all(), "-c", program,
    ]  # fmt: skip

    done = subprocess.run(
        [*worker, *paths, _LEAVE.format(user=user)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['', '', 'x\\n', 'y\\n']", "[]"]


def test_many_tasks_follow_each_other(pod: Pod) -> None:
    for number in range(300):
        assert pod.run("sh", "-c", f"exit {number % 256}").exit_code == number % 256
    assert threading.active_count() < 5
