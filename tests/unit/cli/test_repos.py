from tests.unit.cli.runner import Cli


def test_a_repo_is_made_shown_and_deleted(cli: Cli) -> None:
    made = cli.ok("create", "repo", "images", "-d", "photos", "-o", "json").json

    assert cli.ok("inspect", "repo", "images", "-o", "json").json == made
    assert cli.ok("list", "repo", "-o", "json").json == made
    assert "Description: photos" in cli.ok("inspect", "repo", "images").out
    cli.ok("delete", "repo", "images")
    assert cli.ok("list", "repo").out == ""


def test_a_repo_is_made_once(cli: Cli) -> None:
    assert cli.ok("create", "repo", "images").out == ""
    assert cli("create", "repo", "images").code == 4


def test_times_are_ages_unless_asked_for(cli: Cli) -> None:
    cli.ok("create", "repo", "images")

    assert " ago" in cli.ok("list", "repo").out
    assert "Z " in cli.ok("list", "repo", "--full-timestamps").out
