"""Runs code in a process of its own: what the spawner's modules do cannot be undone in ours."""

import subprocess
import sys
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.probe import probe

ROOT = Path(__file__).resolve().parents[5]


def run_alone(program: str, *arguments: str) -> str:
    """Return what the program printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def need_namespaces() -> None:
    """Skip, with the reason, where the machine forbids them."""
    ability = probe(clock=SystemClock())
    if not ability.is_isolated:
        pytest.skip(ability.sentence)
