from pfs_provider.cli import __main__ as program
from pfs_provider.cli import main


def test_the_package_runs_the_program() -> None:
    assert vars(program)["main"] is main.main
