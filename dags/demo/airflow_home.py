"""An Airflow home of the demo's own, and the example DAG run in it by Airflow's own command."""

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["AirflowHome"]

DAGS = Path(__file__).parents[1]
TAIL_LINES = 30


class AirflowHome:
    """A fresh Airflow: its database, its DAGs folder, nothing else of this machine.

    Args:
        folder: Where; it is made.
        pfs_home: The catalog and the store that its tasks work on.
    """

    def __init__(self, folder: Path, *, pfs_home: Path) -> None:
        self._log = folder / "demo.log"
        folder.mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not _is_of_airflow(name)}
        self._environment = kept | {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "PFS_HOME": str(pfs_home),
            # The demo may be asked for in a plain terminal; Airflow's tables need some room.
            "COLUMNS": "160",
        }

    def prepare(self) -> None:
        """Make Airflow's database."""
        self._airflow("db", "migrate")

    def run_dag(self, dag: str) -> None:
        """Run all tasks of a DAG, each through Airflow, and return when they have succeeded.

        Raises:
            SystemExit: A task failed; the end of Airflow's output is shown.
        """
        self._airflow("dags", "test", dag)

    def _airflow(self, *words: str) -> None:
        command = [sys.executable, "-m", "airflow", *words]
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ airflow {' '.join(words)}\n")
            log.flush()
            status = subprocess.call(command, env=self._environment, stdout=log, stderr=log)
        if status != 0:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
            tail = "\n".join(lines[-TAIL_LINES:])
            raise SystemExit(
                f"{tail}\n\nairflow {' '.join(words)} exited with {status}; {self._log}"
            )


def _is_of_airflow(name: str) -> bool:
    return name.startswith(("AIRFLOW_", "AIRFLOW__", "_AIRFLOW", "PFS_"))
