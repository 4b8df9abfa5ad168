import pytest
from typer.main import get_command

from pfs_provider.cli import main
from pfs_provider.cli.tree import app
from tests.unit.cli.runner import Cli

DESIGN = """
    create repo | create branch | start commit | finish commit | squash commit | delete commit
    find commit | wait commit | subscribe commit | put file | get file | list file | glob file
    inspect file | delete file | copy file | diff file | create pipeline | update pipeline
    validate pipeline | start pipeline | stop pipeline | delete pipeline | rerun pipeline
    list datum | run | list job | inspect job | stop job | logs | start transaction
    finish transaction | delete transaction | list transaction | provenance | subvenance
    draw pipeline | job plan | job work | job finish
"""
"""Section 15's table, without what later issues bring."""


@pytest.mark.parametrize(
    "command",
    [" ".join(one.split()) for one in DESIGN.replace("\n    ", "|").split("|") if one.strip()],
)
def test_every_command_of_the_design_is_there(cli: Cli, command: str) -> None:
    assert "Usage: pfs" in cli.ok(*command.split(), "--help").out


def test_verbs_and_nouns_may_be_joined_by_a_hyphen(cli: Cli) -> None:
    assert cli.ok("list-repo", "--help").out == cli.ok("list", "repo", "--help").out
    assert cli("list-nothing").code == 2


def test_every_command_and_every_option_says_what_it_does() -> None:
    assert main.COMMANDS
    silent = []
    groups = [get_command(app)]
    for group in groups:
        for name, command in getattr(group, "commands", {}).items():
            groups.append(command)
            silent += [] if command.help else [name]
            silent += [
                f"{name} {param.name}"
                for param in command.params
                if not getattr(param, "help", None) and param.name != "job"
            ]

    assert silent == []
