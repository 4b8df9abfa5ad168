"""A person at a terminal, for tests: the real program in child processes, or in this one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.runner import Cli

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A person at a terminal: a home, a working folder, and the program."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PFS_")}
        return kept | {"PFS_HOME": str(self.folder / "home"), "PYTHONPATH": str(ROOT), **self.env}

    def pfs(self, *args: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "pfs_provider.cli", *args],
            cwd=self.folder, env=self.environment, input=stdin, capture_output=True, check=False,
            timeout=120,
        )  # fmt: skip

    def ok(self, *args: str, stdin: bytes = b"") -> str:
        done = self.pfs(*args, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def json(self, *args: str, stdin: bytes = b"") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok(*args, "-o", "json", stdin=stdin).splitlines()]

    def start(self, *args: str, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "pfs_provider.cli", *args],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            **options,
        )  # fmt: skip

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name


@contextmanager
def watching(shell: Shell, *more: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Have ``pfs run --watch`` in the background while the block lasts."""
    runner = shell.start("run", "--watch", *more)
    try:
        yield runner
    finally:
        runner.kill()
        runner.communicate()


def here(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return the program in this process, at the shell's place."""
    monkeypatch.chdir(shell.folder)
    for name in ("PFS_HOME", *shell.env):
        monkeypatch.setenv(name, shell.environment[name])
    return Cli(monkeypatch=monkeypatch)
