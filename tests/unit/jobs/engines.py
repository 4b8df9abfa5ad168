"""Programs that stand for docker and podman where it matters only what they answer."""

import os
from pathlib import Path


def put_engine(folder: Path, name: str, script: str) -> dict[str, str]:
    """Write a program into a folder; return an environment that finds it, and little else."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder), "HOME": os.environ.get("HOME", "/")}


ANSWERS_AS_DOCKER = 'case "$*" in *Rootless*) exit 1 ;; esac; exit 0'
ANSWERS_AS_PODMAN = 'case "$*" in *Rootless*) echo true ;; esac; exit 0'
IS_AWAY = "echo 'Cannot connect to the Docker daemon. Is it running?' >&2; exit 1"
