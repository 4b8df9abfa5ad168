"""``python -m pfs_provider.worker``."""

import subprocess
import sys


def test_the_package_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pfs_provider.worker", "--help"],
        capture_output=True,
        check=True,
        text=True,
    )

    assert "PIPELINE@ID" in done.stdout
