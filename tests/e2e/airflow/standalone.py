"""Airflow itself for a test: `airflow standalone` in a home of its own, on free ports.

Every wait is bounded, and only processes of our own session are ended.
"""

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["START_S", "Standalone", "airflow_environment", "free_port", "measured", "wait_for"]

START_S = 400.0
"""Longest time that Airflow may take to be healthy; about 30 s on two free cores."""
ANSWER_S = 20.0
"""Longest time that one request may take; a busy machine has taken longer, then it is repeated."""
TRIES = 4
PAUSE_S = 2.0
"""Before a request is repeated that Airflow could not answer."""

T = TypeVar("T")


def airflow_program() -> str:
    beside = Path(sys.executable).with_name("airflow")
    found = str(beside) if beside.exists() else shutil.which("airflow")
    assert found is not None, "airflow is not installed: make setup"
    return found


def wait_for(
    what: str, ask: Callable[[], T | None], *, timeout_s: float, pause_s: float = 0.25
) -> T:
    """Return what ``ask`` gives as soon as it is true."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(pause_s)


def measured(what: str, seconds: float) -> None:
    """Tell a figure to who asks with ``--log-cli-level=INFO``."""
    logging.getLogger("measured").info("%s: %.1f s", what, seconds)


def airflow_environment(
    home: Path, *, dags: Path, port: int, pfs_home: Path, host: str = "127.0.0.1"
) -> dict[str, str]:
    """The environment of a fresh Airflow that shares nothing with the developer's."""
    keep = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "PFS_", "_AIRFLOW"))
    }
    base = f"http://{host}:{port}"
    program_folder = str(Path(sys.executable).parent)
    return keep | {
        "PATH": f"{program_folder}{os.pathsep}{keep.get('PATH', '')}",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "PFS_HOME": str(pfs_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__API__BASE_URL": base,
        "AIRFLOW__API__HOST": host,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "for this test only".ljust(64, "."),  # what SHA512 wants
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",  # the files do not change
        # A killed triggerer is missed after 6 s; the default of 30 s only makes the test wait.
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class NoAnswerError(OSError):
    """Airflow took too long or failed: nobody knows if it did what it was asked."""


class Standalone:
    """A running Airflow: all in one program, or each of ``programs`` by itself.

    Its server listens on ``host`` alone: another one than the default is for tasks in pods.
    """

    def __init__(
        self,
        home: Path,
        *,
        dags: Path,
        pfs_home: Path,
        programs: Sequence[str] = ("standalone",),
        host: str = "127.0.0.1",
    ) -> None:
        self.home = home
        self._programs = programs
        self.pfs_home = pfs_home
        home.mkdir(parents=True, exist_ok=True)
        port = free_port(host)
        self._base = f"http://{host}:{port}"
        self.environment = airflow_environment(
            home, dags=dags, port=port, pfs_home=pfs_home, host=host
        )
        self._started: list[subprocess.Popen[bytes]] = []
        self._token = ""

    def start(self) -> None:
        if "standalone" not in self._programs:
            self.run("db", "migrate", timeout_s=START_S)  # standalone does it by itself
        for program in self._programs:
            self.start_program(program)
        wait_for("Airflow is healthy", self._is_healthy, timeout_s=START_S, pause_s=0.5)
        self._token = self._call("GET", "/auth/token")["access_token"]

    def stop(self) -> None:
        """End all, asked first."""
        sessions = {process.pid for process in self._started}
        for kind in (signal.SIGTERM, signal.SIGKILL):
            for pid in _members(sessions):
                _signal(pid, kind)
            deadline = time.monotonic() + 8
            while _members(sessions) and time.monotonic() < deadline:
                time.sleep(0.1)
        for process in self._started:
            process.wait(5)

    def kill_triggerer(self) -> None:
        """End the triggerer as a crash would."""
        self.kill_program("triggerer")

    def start_triggerer(self) -> None:
        self.start_program("triggerer")

    def kill_program(self, *words: str) -> None:
        """End all processes that have the words in their command lines, and what they started."""
        pids = self.processes(*words)
        assert pids, f"there is no {' '.join(words)} to kill"
        for pid in [*pids, *self._below(pids)]:
            _signal(pid, signal.SIGKILL)
        wait_for(f"{words} is gone", lambda: not self.processes(*words), timeout_s=10)

    def run(self, *arguments: str, timeout_s: float = 60) -> str:
        """Run an ``airflow`` command in this home and return what it prints."""
        return run_airflow(self.environment, *arguments, timeout_s=timeout_s)

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run, once: its name is ours, so that a repeated request is known as such."""
        run_id = f"by-hand-{uuid.uuid4().hex[:12]}"
        body = {"logical_date": None, "conf": dict(conf or {}), "dag_run_id": run_id}
        runs = f"/api/v2/dags/{dag_id}/dagRuns"
        for _ in range(TRIES):
            try:
                self._send("POST", runs, body)
            except NoAnswerError as error:
                why = error
            else:
                return run_id
            if any(run["dag_run_id"] == run_id for run in self.runs(dag_id)):
                return run_id
        raise AssertionError(f"{dag_id} could not be triggered: {why}, {TRIES} times")

    def pause(self, dag_id: str, *, paused: bool) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": paused})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=run_after&limit=1000")
        return list(found["dag_runs"])

    def find_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return dict(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        return dict(self._call("GET", _task_path(dag_id, run_id, task_id)))

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """As a person does it in the UI."""
        self._call("PATCH", _task_path(dag_id, run_id, task_id), {"new_state": state})

    def clear_task(self, dag_id: str, run_id: str, task_id: str) -> None:
        """As a person does it in the UI."""
        what = {"dag_run_id": run_id, "task_ids": [task_id], "dry_run": False}
        self._call(
            "POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", {**what, "only_failed": False}
        )

    def processes(self, *words: str) -> list[int]:
        """Its processes whose command line has all the words."""
        sessions = {process.pid for process in self._started}
        return [
            pid for pid in _members(sessions) if all(word in _command_line(pid) for word in words)
        ]

    def kill_worker(self, dag_id: str, run_id: str, task_id: str) -> None:
        """End the worker of a task with all that it started, as a crash of its machine would."""
        instance = self.task(dag_id, run_id, task_id)["id"]
        pids = self.processes("airflow worker", instance)
        assert pids, f"no worker of {dag_id} {task_id} {instance} is found"
        for pid in [*pids, *self._below(pids)]:
            _signal(pid, signal.SIGKILL)

    def _below(self, pids: list[int]) -> list[int]:
        """Children of processes, and theirs."""
        everyone = _members({process.pid for process in self._started})
        found = [pid for pid in everyone if int((_stat(pid) or ["", "0"])[1]) in pids]
        return [*found, *self._below(found)] if found else []

    def find_dag(self, dag_id: str) -> dict[str, Any] | None:
        return next(
            (dag for dag in self._call("GET", "/api/v2/dags")["dags"] if dag["dag_id"] == dag_id),
            None,
        )

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        run = urllib.parse.quote(run_id)
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances")
        return {task["task_id"]: task["state"] for task in found["task_instances"]}

    def import_errors(self) -> list[dict[str, Any]]:
        return list(self._call("GET", "/api/v2/importErrors")["import_errors"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        run = urllib.parse.quote(run_id)
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/xcomEntries/{key}"
        return self._call("GET", f"{path}?deserialize=true")["value"]

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        run = urllib.parse.quote(run_id)
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/links"
        return dict(self._call("GET", path)["extra_links"])

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.home.glob("*.out")))

    def task_log(self, dag_id: str) -> str:
        """What the newest tasks of a DAG said, for a failure's message."""
        found = sorted(
            (self.home / "logs").glob(f"dag_id={dag_id}/**/*.log"),
            key=lambda path: path.stat().st_mtime,
        )
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in found[-3:])

    def task_lines(self, dag_id: str) -> list[dict[str, Any]]:
        """All lines that the tasks of a DAG logged, with their fields."""
        found = (self.home / "logs").glob(f"dag_id={dag_id}/**/*.log")
        lines = "".join(path.read_text(errors="replace") for path in found).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def start_program(self, command: str) -> None:
        """Start ``airflow COMMAND`` in a process session of its own."""
        name = command.split(maxsplit=1)[0]
        with (self.home / f"{len(self._started)}-{name}.out").open("wb") as log:
            self._started.append(
                subprocess.Popen(
                    [airflow_program(), *command.split()],
                    env=self.environment,
                    cwd=self.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _is_healthy(self) -> bool:
        ended = [process.args for process in self._started if process.poll() is not None]
        assert not ended, f"Airflow ended: {ended} {self.log()[-3000:]}"
        try:
            health = self._call("GET", "/api/v2/monitor/health")
        except OSError:
            return False
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all(health[part]["status"] == "healthy" for part in parts)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the server; again without an answer, where that changes nothing more."""
        for _ in range(TRIES - 1 if method in ("GET", "PATCH") else 0):
            with contextlib.suppress(NoAnswerError):
                return self._send(method, path, body)
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        request = urllib.request.Request(
            f"{self._base}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error
            reason = f"{error.code} {error.read()!r}; {self.log()[-3000:]}"
            time.sleep(PAUSE_S)
        except TimeoutError as error:
            reason = str(error)
        raise NoAnswerError(f"{method} {path}: {reason}")


def run_airflow(environment: Mapping[str, str], *arguments: str, timeout_s: float = 60) -> str:
    done = subprocess.run(
        [airflow_program(), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"airflow {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def _members(sessions: set[int]) -> list[int]:
    """Processes of the sessions that we began; nobody else's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and fields[0] != "Z" and int(fields[3]) in sessions:
                found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _task_path(dag_id: str, run_id: str, task_id: str) -> str:
    run = urllib.parse.quote(run_id)
    return f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}"


def _signal(pid: int, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, kind)
