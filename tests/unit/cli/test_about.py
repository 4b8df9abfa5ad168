import pytest

from pfs_provider import __version__
from tests.unit.cli.runner import Cli


def test_the_version_is_the_packages(cli: Cli) -> None:
    assert cli.ok("version").out == f"{__version__}\n"
    assert cli.ok("version", "-o", "json").json == [{"version": __version__}]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(cli: Cli, shell: str) -> None:
    assert "_PFS_COMPLETE" in cli.ok("completion", shell).out


def test_completion_of_an_unknown_shell_is_a_matter_of_usage(cli: Cli) -> None:
    assert cli("completion", "tcsh").code == 2
