"""One container of a docker or podman, kept up as long as its worker lives.

A shell in a session of its own starts it, waits until the worker closes a pipe, which the kernel
does for a worker that was killed, and removes it. Invariants: a container that was asked for is
removed, even one that came up after its worker had gone; the engine has no credential of the store.
Must not know: shims, tasks.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pfs_provider.errors import ErrorCode, FailedError, UnavailableError

__all__ = ["Keeper"]

_KEEP = """
trap : HUP INT TERM PIPE
engine=$1 name=$2 said=$3 lent=$4; shift 4
"$engine" run --name "$name" "$@" </dev/null >"$said" 2>&1
echo $?
cat >/dev/null
"$engine" kill "$name"
"$engine" rm --force "$name"
[ -z "$lent" ] || exec rm -rf -- "$lent"
"""
# PIPE: nobody hears the status of a container that came up after its worker was killed.
# `kill` first: `rm --force` alone may wait for a grace time, which no version calls the same.
END_S = 20.0
"""How long the end of a container is waited for."""
_NO_USER = ("unable to find user", "unable to find group", "no matching entries in")
"""What both engines say of a user that the image does not have."""


class Keeper:
    """Starts one container, and ends it.

    Args:
        engine: The program, ``docker`` or ``podman``.
        environment: What that program gets.
        name: The container's name; no other has it.
        arguments: What follows ``run --name NAME``; detached, so that it returns.
        said: A file that gets what the engine says.
        user: The user that the arguments name, for what is said when the image has none such.
        lent: A folder that is removed after the container; None for none.
    """

    def __init__(  # noqa: PLR0913 what a container has
        self,
        engine: str,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        said: Path,
        user: str | None,
        lent: Path | None = None,
    ) -> None:
        self.name = name
        self.is_refused = False
        """Whether the engine did not start it, and said why."""
        self._engine = engine
        self._environment = dict(environment)
        self._said = said
        self._user = user
        self._lent = lent
        command = ["sh", "-c", _KEEP, "pfs-keeper", engine, name, str(said)]
        command += ["" if lent is None else str(lent), *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            cwd=said.parent,  # podman leaves a file `oom` where it was started
            start_new_session=True,
        )

    def wait_until_up(self) -> None:
        """Return when the container has been started.

        Raises:
            FailedError: ``user-not-found``: the image has no such user.
            UnavailableError: ``sandbox-unavailable``: the engine did not start it.
        """
        assert self._process.stdout is not None  # noqa: S101 it was asked for
        status = self._process.stdout.readline().strip()
        if status == b"0":
            return
        self.is_refused = True
        said = self._said.read_text(errors="replace").strip() if self._said.exists() else ""
        if self._user and any(words in said for words in _NO_USER):
            raise FailedError(
                ErrorCode.USER_NOT_FOUND,
                f"transform.user {self._user!r}: the image has no such user or group; name one "
                "that it has, or a number",
                user=self._user,
            )
        raise UnavailableError(
            ErrorCode.SANDBOX_UNAVAILABLE,
            f"{self._engine} cannot start the container of the user code: "
            f"{_last_line(said) or 'it was ended'}",
            engine=self._engine,
        )

    def read_log(self) -> str:
        """Return the last that the container itself said; empty where that cannot be had."""
        with suppress(OSError, subprocess.TimeoutExpired):
            done = self._ask("logs", "--tail", "3", self.name)
            return done.stdout.decode(errors="replace").strip()
        return ""

    def close(self) -> None:
        """End the container and wait until it is gone. Idempotent."""
        if self._process.returncode is not None:
            return
        assert self._process.stdin is not None  # noqa: S101 it was asked for
        assert self._process.stdout is not None  # noqa: S101 it was asked for
        self._process.stdin.close()
        try:
            status = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return  # it goes on trying by itself
        self._process.stdout.close()
        if status < 0:  # killed, with its container left
            with suppress(OSError, subprocess.TimeoutExpired):
                self._ask("kill", self.name)
                self._ask("rm", "--force", self.name)
            if self._lent is not None:
                shutil.rmtree(self._lent, ignore_errors=True)

    def _ask(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [self._engine, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            timeout=END_S,
            check=False,
        )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if not line.startswith("See ")]
    return next((line for line in reversed(lines) if line), "")
