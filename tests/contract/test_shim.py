"""What only the shim does: two containers, either of which may end and come back at any time."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, FailedError, UnavailableError
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.shim import ShimExecutor
from pfs_provider.worker.shim.install import install
from tests.contract.executors import NOBODY, PATH, find_python_for_all
from tests.contract.shim_container import ShimContainer, find_busybox
from tests.contract.test_executor import ROOT, find_processes, wait_for

IMAGE = {"PATH": PATH, "my.variable": "of the image", "KEPT": "yes", "HOME": "/image-home"}


@dataclass(slots=True)
class Pod:
    """A user container, and what its worker runs tasks with."""

    folder: Path
    settings: dict[str, object] = field(default_factory=dict)
    container: ShimContainer | None = None
    executor: ShimExecutor = field(init=False)

    def __post_init__(self) -> None:
        for path in (self.root / "out", self.root / "in", self.folder / "container"):
            path.mkdir(parents=True)
        install(self.shim, busybox=[find_busybox()])
        self.open()

    def open(self, **settings: object) -> None:
        """Have a new executor, as a new worker would."""
        options: dict[str, object] = {"come_back_s": 20} | settings
        self.executor = ShimExecutor(self.shim, clock=SystemClock(), **options)  # type: ignore[arg-type]

    def start(self, **settings: object) -> "Pod":
        """Start the user container."""
        options: dict[str, object] = {"env": IMAGE} | settings
        self.container = ShimContainer(
            self.folder / "container",
            root=self.root,
            shim=self.shim,
            **options,  # type: ignore[arg-type]
        )
        return self

    def kill_shim(self, number: int = signal.SIGKILL) -> int:
        assert self.container is not None
        wait_for(lambda: self.container is not None and self.container.find_shim() is not None)
        return self.container.kill_shim(number)

    @property
    def shim(self) -> Path:
        return self.folder / "shim"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def run(self, *cmd: str, **more: object) -> Outcome:
        settings: dict[str, object] = {"env": {}, "log": self.log} | more
        return self.executor.run(Task(root=self.root, cmd=cmd, **settings))  # type: ignore[arg-type]

    def sh(self, script: str, **more: object) -> str:
        """Run a script that has to succeed and return what it said."""
        self.log.unlink(missing_ok=True)
        outcome = self.run("sh", "-c", script, **more)
        said = self.log.read_text(errors="surrogateescape")
        assert outcome.exit_code == 0, (outcome, said)
        return said

    def stop(self) -> None:
        self.executor.close()
        if self.container is not None:
            self.container.stop()


def wait_for_end(pid: int, timeout_s: float = 10) -> None:
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), timeout_s=timeout_s)


@pytest.fixture
def empty_pod(tmp_path: Path) -> Iterator[Pod]:
    """Yield a pod whose user container has not been started."""
    made = Pod(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def pod(empty_pod: Pod) -> Pod:
    return empty_pod.start()


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


def test_a_worker_that_comes_first_waits_for_the_container(empty_pod: Pod) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(empty_pod.run, "true")
        time.sleep(0.3)
        empty_pod.start()

        assert running.result(20).exit_code == 0


def test_a_container_that_never_comes_is_told(empty_pod: Pod) -> None:
    empty_pod.open(come_back_s=0.2)

    with pytest.raises(UnavailableError, match="container 'user'") as caught:
        empty_pod.run("true")

    assert caught.value.code == ErrorCode.SANDBOX_UNAVAILABLE


def test_close_ends_the_wait_for_a_container(empty_pod: Pod) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(empty_pod.run, "true")
        time.sleep(0.1)
        empty_pod.executor.close()

        with pytest.raises(FailedError, match="closed"):
            running.result(5)


def test_a_container_that_is_killed_is_the_end_of_the_try_and_not_of_the_worker(pod: Pod) -> None:
    pod.open(memory_limit="64Mi")
    mark = f"86405.{os.getpid()}"

    for _ in range(3):
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(pod.run, "sleep", mark)
            wait_for(lambda: find_processes(f"sleep\0{mark}") != [])
            killed_at = time.monotonic()
            pod.kill_shim()
            outcome = running.result(10)

        assert time.monotonic() - killed_at < 1
        assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (
            None,
            signal.SIGKILL,
            False,
        )
        assert "container of the user code was killed" in outcome.note
        assert "memory than its limit of 64Mi" in outcome.note
        assert find_processes(mark) == []
        assert pod.sh("echo again") == "again\n"


def test_a_command_that_alone_is_killed_may_have_used_too_much_memory(pod: Pod) -> None:
    outcome = pod.run("sh", "-c", "kill -9 $$")

    assert outcome.signal == signal.SIGKILL
    assert "memory" in outcome.note
    assert pod.run("sh", "-c", "kill -15 $$").note == ""
    assert pod.run("sleep", "9", timeout_s=0.1).note == ""


def test_a_container_that_ends_between_tasks_is_waited_for(pod: Pod) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        pod.sh("true")
        shim = pod.kill_shim(number)
        wait_for_end(shim)

        assert pod.sh("echo again") == "again\n"


@pytest.mark.parametrize("script", ["true", "trap '' TERM INT; while :; do sleep 9; done"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_shim_ends_within_a_second_of_being_asked(
    pod: Pod, script: str, number: signal.Signals
) -> None:
    pod.run("true")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(pod.run, "sh", "-c", script)
        time.sleep(0.3)

        shim = pod.kill_shim(number)

        wait_for_end(shim, timeout_s=1)
        running.result(10)


def test_a_worker_that_takes_over_ends_what_the_one_before_it_had_running(pod: Pod) -> None:
    mark = f"86406.{os.getpid()}"
    program = (
        "import sys; from pathlib import Path\n"
        "from pfs_provider.clock import SystemClock\n"
        "from pfs_provider.worker.executors.shim import ShimExecutor\n"
        "from pfs_provider.worker.executors.port import Task\n"
        "shim, root, log, mark = sys.argv[1:]\n"
        "cmd = ('sh', '-c', 'setsid sleep ' + mark + ' & sleep ' + mark)\n"
        "task = Task(root=Path(root), cmd=cmd, env={}, log=Path(log))\n"
        "ShimExecutor(Path(shim), clock=SystemClock()).run(task)\n"
    )
    command = [sys.executable, "-c", program, pod.shim, pod.root, pod.log, mark]
    worker = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(lambda: find_processes(f"sleep\0{mark}") != [])
    finally:
        worker.kill()
        worker.wait()
    assert find_processes(f"sleep\0{mark}") != []

    assert pod.sh("echo mine") == "mine\n"
    assert find_processes(mark) == []


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
    pod.open(max_log_bytes=1 << 16)

    outcome = pod.run("head", "-c", str(1 << 30), "/dev/zero")

    assert outcome.exit_code == 0
    assert outcome.n_log_bytes_dropped == (1 << 30) - (1 << 16)


def test_daemons_and_orphans_are_gone_after_every_task(pod: Pod) -> None:
    mark = f"86407.{os.getpid()}"
    script = f"n=0; while [ $n -lt 200 ]; do n=$((n+1)); (setsid sleep {mark} &); done"

    for _ in range(3):
        assert pod.run("sh", "-c", script).exit_code == 0
        assert find_processes(mark) == []
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
    command = [empty_pod.shim / "busybox", "sh", empty_pod.shim / "shim.sh"]

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
    worker = [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        find_python_for_all(), "-c", program,
    ]  # fmt: skip

    done = subprocess.run(
        [*worker, empty_pod.shim, empty_pod.root, empty_pod.log, _LEAVE.format(user=user)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['', '', 'x\\n', 'y\\n']", "[]"]


def test_many_tasks_follow_each_other(pod: Pod) -> None:
    for number in range(300):
        assert pod.run("sh", "-c", f"exit {number % 256}").exit_code == number % 256
    assert threading.active_count() < 5
