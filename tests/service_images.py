"""PostgreSQL, MinIO and mc as images for the test cluster, made of the programs of this machine.

They take the same variables and arguments as the published images that deploy/ names: those cannot
be pulled there.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.cluster import USER_IMAGE, image_from_folder
from tests.deployments import digest, program

PUBLISHED = {
    "postgres": "docker.io/library/postgres",
    "minio": "quay.io/minio/minio",
    "mc": "quay.io/minio/mc",
}
# What the published image's own entry does with the variables that deploy/ sets.
POSTGRES_ENTRY = """\
#!/bin/sh
set -eu
umask 077
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust \\
    --encoding=UTF8 --locale=C $POSTGRES_INITDB_ARGS
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
  createdb -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB" || true
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
"""


@cache
def service_images() -> dict[str, str]:
    """Return, for the published images, the names of ours that the nodes have."""
    made = {"minio": _minio(), "mc": _mc(), "postgres": _postgres()}
    return {PUBLISHED[name]: image for name, image in made.items()}


def _minio() -> str:
    server = program("minio", "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c")
    with tempfile.TemporaryDirectory() as name:
        _copy(server, Path(name), "usr/bin")
        return image_from_folder(
            _named("minio", server, "2"), Path(name), "--entrypoint", "/usr/bin/minio"
        )


def _mc() -> str:
    client = program("mc", "github.com/minio/mc@latest")
    with tempfile.TemporaryDirectory() as name:
        _copy(client, Path(name), "bin")
        return image_from_folder(
            _named("mc", client, "2"), Path(name), "--base", USER_IMAGE, "--entrypoint", "/bin/mc"
        )


def _postgres() -> str:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places:
        pytest.skip("PostgreSQL is missing: ../shared/services/postgres up installs it")
    programs = places[-1]
    release = programs.parent.name
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for part in (programs.parent, Path("/usr/share/postgresql", release)):
            shutil.copytree(part, root / str(part)[1:], symlinks=True)
        zones = Path("/usr/share/zoneinfo")
        shutil.copytree(zones / "Etc", root / str(zones)[1:] / "Etc")
        _copy_libraries([*programs.iterdir(), *programs.parent.glob("lib/*.so")], root)
        (root / "etc").mkdir()
        (root / "etc/passwd").write_text("postgres:x:999:999::/:/bin/sh\n")
        (root / "etc/group").write_text("postgres:x:999:\n")
        (root / "bin").mkdir(exist_ok=True)
        entry = root / "bin/docker-entrypoint.sh"
        entry.write_text(POSTGRES_ENTRY)
        entry.chmod(0o755)
        return image_from_folder(
            _named("postgres", programs / "postgres", POSTGRES_ENTRY),
            root,
            *("--base", USER_IMAGE, "--env", f"PATH={programs}:/bin"),
            *("--entrypoint", "/bin/docker-entrypoint.sh"),
        )  # fmt: skip


def _named(name: str, program: Path, more: str = "") -> str:
    made = program.stat()
    return f"pfs-test/{name}:{digest(f'{made.st_size} {made.st_mtime_ns} {more}')}"


def _copy(program: Path, root: Path, folder: str) -> None:
    (root / folder).mkdir(parents=True)
    shutil.copy2(program, root / folder)
    _copy_libraries([program], root)


def _copy_libraries(programs: Iterable[Path], root: Path) -> None:
    """Put the shared libraries of programs below root, and what loads them."""
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False)
    for library in sorted(set(re.findall(r"(/\S+\.so\S*) \(0x", done.stdout))):
        target = root / library[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(library, target)
