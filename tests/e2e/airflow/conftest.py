"""One Airflow for all tests of this folder: starting it takes half a minute."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.airflow.standalone import Standalone, airflow_environment, free_port, wait_for

pytest.importorskip("airflow", reason="the extra is not installed: pip install .[airflow]")

ROOT = Path(__file__).resolve().parents[3]

COPY = {
    "pipeline": {"name": "copy"},
    "transform": {"cmd": ["sh", "-c", "cp -r /pfs/photos/. /pfs/out/"]},
    "input": {"pfs": {"repo": "photos", "glob": "/*"}},
}


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A short path of its own: Airflow's sockets and logs lie below it."""
    made = Path(os.environ.get("TMPDIR", "/tmp")) / f"pfs-airflow-{os.getpid()}"
    made.mkdir()
    yield made
    if os.environ.get("PFS_TEST_KEEP"):
        return
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def catalog(place: Path) -> Iterator[Pfs]:
    """The repos, with a commit each, and the pipeline that the DAGs of this folder know."""
    with Pfs(home=place / "pfs") as pfs:
        for repo in ("photos", "notes"):
            pfs.create_repo(repo)
            pfs.put_file(f"{repo}@master:/begin", b"x")
        pfs.create_pipeline(COPY)
        yield pfs


@pytest.fixture(scope="session")
def fresh_home(place: Path) -> dict[str, str]:
    """The environment of an Airflow that nobody has used, for single commands; no PFS is set up."""
    home = place / "fresh"
    home.mkdir()
    return airflow_environment(
        home, dags=ROOT / "dags", port=free_port(), pfs_home=place / "no-pfs"
    )


@pytest.fixture(scope="session")
def standalone(place: Path, catalog: Pfs) -> Iterator[Standalone]:
    dags = place / "dags"
    shutil.copytree(ROOT / "dags", dags)
    shutil.copytree(Path(__file__).parent / "dags", dags, dirs_exist_ok=True)
    airflow = Standalone(place / "airflow", dags=dags, pfs_home=place / "pfs")
    try:
        airflow.start()
        for dag in ("copy_on_commit", "note_commits", "pfs_edges_montage"):
            wait_for(f"{dag} is known", partial(airflow.find_dag, dag), timeout_s=120)
        yield airflow
    finally:
        airflow.stop()


@pytest.fixture(scope="session")
def put_file(place: Path) -> Callable[..., None]:
    """``pfs put file`` as in another shell."""
    folder = place / "sources"
    folder.mkdir()

    def put(target: str, content: bytes) -> None:
        source = folder / "source"
        source.write_bytes(content)
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PFS_", "AIRFLOW"))
        }
        subprocess.run(
            [Path(sys.executable).with_name("pfs"), "put", "file", target, "-f", source],
            env=environment | {"PFS_HOME": str(place / "pfs")},
            check=True,
            capture_output=True,
            timeout=30,
        )

    return put
