import subprocess
import sys

import pfs_provider.airflow as door


def test_every_name_that_is_offered_can_be_had() -> None:
    assert all(getattr(door, name).__name__ == name for name in door.__all__)


def test_the_names_of_the_stable_surface_are_offered() -> None:
    promised = {"PfsHook", "PfsPipelineOperator", "PfsCommitSensor", "CommitTrigger", "pfs_asset"}

    assert promised <= set(door.__all__)
    assert dir(door) == sorted(door.__all__)


def test_an_unknown_name_is_refused_as_python_does() -> None:
    assert not hasattr(door, "PfsNothing")


def test_nothing_is_imported_until_a_name_is_asked_for() -> None:
    program = "import sys, pfs_provider.airflow; print('airflow' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
