from pathlib import Path

from tests.unit.cli.runner import Cli

SECRET = 'kind: Secret\nmetadata: {name: db}\nstringData: {user: "shop", password: "hunter22"}\n'


def test_a_secret_is_kept_until_it_is_deleted_and_never_shown(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(SECRET)

    cli.ok("create", "secret", "-f", str(path))

    head, row = cli.ok("list", "secret").out.splitlines()
    assert head.split() == ["NAME", "KEYS", "CREATED"]
    assert row.split()[:3] == ["db", "password,", "user"]
    shown = cli.ok("inspect", "secret", "db").out
    assert "Keys: password, user" in shown
    assert "hunter22" not in shown + row
    assert cli.ok("list", "secret", "-o", "json").json[0]["keys"] == ["password", "user"]
    assert cli("create", "secret", "-f", str(path)).code == 4
    cli.ok("delete", "secret", "db")
    assert cli("delete", "secret", "db").code == 3
    path.write_text("kind: Pod\n")
    assert cli("create", "secret", "-f", str(path)).code == 5
