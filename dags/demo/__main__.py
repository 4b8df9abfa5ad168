"""Commit photographs, run edges → montage through Airflow, add one, run again, look back.

Leaves ``.demo`` (or the folder named by the first argument) for the commands printed at the end.
"""

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dags.demo.airflow_home import AirflowHome
from dags.demo.photographs import FIRST, ONE_MORE, copy_photographs
from pfs_provider import Pfs
from pfs_provider.clock import SystemClock
from pfs_provider.jobs.lineage import FileLink
from pfs_provider.worker.executors.probe import probe

DAG = "pfs_edges_montage"
MARK = "made-by-make-demo"


def main(arguments: list[str]) -> None:
    """Run the demo in a folder that is made anew."""
    started = time.perf_counter()
    folder = _fresh(Path(arguments[0] if arguments else ".demo").absolute())
    home = folder / "home"
    _say_how_code_runs()
    airflow = AirflowHome(folder / "airflow", pfs_home=home)
    with _step("a fresh Airflow home"):
        airflow.prepare()
    with Pfs(home=home) as pfs:
        _first_run(pfs, airflow, folder)
        _second_run(pfs, airflow, folder)
        _show_lineage(pfs)
        pfs.get_file("montage@master:/montage.png", folder / "montage.png")
    print(f"\nThe montage: {_short(folder / 'montage.png')}")
    print(f"All of it took {time.perf_counter() - started:.1f} s.")
    _show_next(home)


def _first_run(pfs: Pfs, airflow: AirflowHome, folder: Path) -> None:
    copy_photographs(FIRST, folder / "photographs")
    pfs.create_repo("images", description="photographs")
    with pfs.commit("images@master", message="the first photographs") as commit:
        commit.put_tree("/", folder / "photographs")
    print(f"committed {len(FIRST)} photographs: images@{commit.id}")
    with _step(f"airflow dags test {DAG}"):
        airflow.run_dag(DAG)
    _show_jobs(pfs)


def _second_run(pfs: Pfs, airflow: AirflowHome, folder: Path) -> None:
    copy_photographs((ONE_MORE,), folder / "one-more")
    added = pfs.put_file(f"images@master:/{ONE_MORE}", folder / "one-more" / ONE_MORE)
    print(f"\nadded one photograph, {ONE_MORE}: images@{added.id}")
    with _step(f"airflow dags test {DAG}"):
        airflow.run_dag(DAG)
    _show_jobs(pfs)


def _show_jobs(pfs: Pfs) -> None:
    """Show the newest job of each pipeline: processed + skipped / total."""
    for name in ("edges", "montage"):
        job = pfs.list_jobs(name, limit=1)[0]
        if job.state != "success" or job.finished is None or job.started is None:
            raise SystemExit(f"job {name}@{job.id} ended as {job.state}: {job.reason}")
        took = (job.finished - job.started).total_seconds()
        print(
            f"  {name:8} {job.state}  {job.processed} + {job.skipped} / {job.total} datums"
            f"  in {took:.1f} s  ({name}@{job.id})"
        )


def _show_lineage(pfs: Pfs) -> None:
    print("\nwhere the montage comes from (pfs provenance montage@master:/montage.png):")
    _show_files(pfs.provenance("montage@master:/montage.png"))
    print(f"\nwhat was made of one photograph (pfs subvenance images@master:/{ONE_MORE}):")
    _show_files(pfs.subvenance(f"images@master:/{ONE_MORE}"))


def _show_files(links: Sequence[object]) -> None:
    for link in links:
        if isinstance(link, FileLink):
            print(f"  {link.file}")


def _show_next(home: Path) -> None:
    print(f"""
Go on from here:
  export PFS_HOME={home} PATH={_short(Path(sys.executable).parent)}:$PATH
  pfs list job
  pfs list datum edges@{_newest_id(home)}
  pfs diff file images@master
  pfs put file images@master -f some/picture.png && pfs run
  pfs get file montage@master:/montage.png -o montage.png""")


def _newest_id(home: Path) -> str:
    with Pfs(home=home) as pfs:
        return pfs.list_jobs("edges", limit=1)[0].id


def _say_how_code_runs() -> None:
    ability = probe(clock=SystemClock())
    if ability.is_isolated:
        print("user code runs in a mount namespace of its own and sees /pfs")
    else:
        print(f"no mount namespace here: {ability.sentence}")


def _fresh(folder: Path) -> Path:
    """Return an empty folder; only what an earlier demo made is removed."""
    if folder.exists():
        if not (folder / MARK).exists():
            raise SystemExit(f"{folder} is not the demo's: move it away, or name another folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"{what} …", end=" ", flush=True)
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:.1f} s")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    main(sys.argv[1:])
