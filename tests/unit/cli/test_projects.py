from tests.unit.cli.runner import Cli


def test_a_project_holds_repos_until_it_is_deleted(cli: Cli) -> None:
    cli.ok("create", "project", "vision", "-d", "photos")
    cli.ok("create", "repo", "vision/images")

    assert cli.ok("list", "project").out.splitlines() == ["NAME", "default", "vision"]
    assert cli.ok("list", "repo", "--project", "vision", "-o", "json").json[0]["name"] == "images"
    assert cli("delete", "project", "vision").code == 4
    cli.ok("delete", "repo", "vision/images")
    cli.ok("delete", "project", "vision")
    assert cli.ok("list", "project", "-o", "json").json == [{"name": "default"}]
