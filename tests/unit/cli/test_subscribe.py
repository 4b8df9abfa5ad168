from tests.unit.cli.runner import Cli


def test_only_a_branch_that_can_be_there_is_followed(cli: Cli) -> None:
    assert cli("subscribe", "commit", "nope@master").code == 3
    assert cli("subscribe", "commit", "nope").code == 5
