import ast
from pathlib import Path

import pytest

from pfs_provider.cli import main as module
from pfs_provider.cli import repos
from tests.unit.cli.runner import Cli


def test_every_module_with_commands_is_registered() -> None:
    folder = Path(module.__file__).parent
    with_commands = {
        path.stem
        for path in folder.glob("*.py")
        if any(
            isinstance(node, ast.FunctionDef)
            and any(".command(" in ast.unparse(one) for one in node.decorator_list)
            for node in ast.parse(path.read_text()).body
        )
    }

    assert {room.__name__.rpartition(".")[2] for room in module.COMMANDS} == with_commands


def test_an_error_is_one_line_with_its_code(cli: Cli) -> None:
    done = cli("inspect", "repo", "nope")

    assert done.code == 3
    assert done.out == ""
    assert done.err.startswith("error: repo nope does not exist")
    assert done.err.endswith(" [repo-not-found]\n")
    assert done.err.count("\n") == 1


def test_wrong_usage_exits_2(cli: Cli) -> None:
    assert cli("create", "rope").code == 2
    assert cli("create", "repo").code == 2
    assert cli("list", "repo", "-o", "xml").code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (PermissionError(13, "Permission denied", "x"), 1)],
    ids=["ctrl-c", "local file"],
)
def test_what_ends_a_command_from_outside(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(repos, "open_pfs", fail)

    done = cli("list", "repo")

    assert done.code == code
    assert "Traceback" not in done.err
