import json
from pathlib import Path

from tests.unit.cli.runner import Cli

TRIES = b'{"create_pipeline_request": {"datumTries": 5}}'


def test_defaults_are_set_shown_and_removed(images: Cli, spec: str) -> None:
    images.ok("create", "defaults", "--cluster", "-f", "-", stdin=TRIES)
    images.ok("create", "pipeline", "-f", spec)

    assert images.ok("inspect", "defaults", "--cluster", "-o", "json").json == [
        {"create_pipeline_request": {"datum_tries": 5}}
    ]
    shown = images.ok("inspect", "pipeline", "edges", "--spec", "-o", "json").json[0]
    assert shown["datum_tries"] == 5
    shown = images.ok("inspect", "pipeline", "edges", "--user-spec", "-o", "json").json[0]
    assert "datum_tries" not in shown
    gone = images.ok("delete", "defaults", "--cluster", "--regenerate")
    assert gone.out == "edges\n"
    shown = images.ok("inspect", "defaults", "--cluster", "-o", "json").json
    assert shown == [{"create_pipeline_request": {}}]


def test_a_dry_run_prints_what_would_change(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)

    done = images.ok(
        "update", "defaults", "--project", "default", "-f", "-", "--dry-run", "-o", "json",
        stdin=TRIES,
    )  # fmt: skip

    assert done.json == [{"pipeline": "edges"}]
    assert images.ok("inspect", "defaults", "--project", "default").out == (
        '{\n  "create_pipeline_request": {}\n}\n'
    )


def test_what_is_shown_can_be_given_back(cli: Cli, tmp_path: Path) -> None:
    cli.ok("update", "defaults", "--cluster", "-f", "-", stdin=TRIES)
    path = tmp_path / "defaults.json"
    path.write_text(cli.ok("inspect", "defaults", "--cluster").out)

    cli.ok("update", "defaults", "--cluster", "-f", str(path))

    assert json.loads(path.read_text()) == {"create_pipeline_request": {"datum_tries": 5}}


def test_whose_defaults_has_to_be_said_once(cli: Cli) -> None:
    assert cli("inspect", "defaults").code == 2
    assert cli("inspect", "defaults", "--cluster", "--project", "default").code == 2
    assert cli("update", "defaults", "--cluster", "--reprocess", "-f", "-", stdin=TRIES).code == 2
    assert cli("inspect", "defaults", "--project", "nowhere").code == 3


def test_a_typo_in_defaults_is_named(cli: Cli) -> None:
    done = cli("update", "defaults", "--cluster", "-f", "-", stdin=b'{"datumTrys": 5}')

    assert done.code == 5
    assert "did you mean 'datumTries'?" in done.err


def test_a_spec_may_be_whole_with_its_defaults_alone(images: Cli, tmp_path: Path) -> None:
    path = tmp_path / "short.json"
    path.write_text(
        '{"pipeline": {"name": "e"}, "input": {"pfs": {"repo": "images", "glob": "/"}}}'
    )
    default = b'{"transform": {"cmd": ["true"]}, "parallelism": "2"}'

    assert images("create", "pipeline", "-f", str(path)).code == 5
    done = images.ok("update", "defaults", "--cluster", "-f", "-", stdin=default)
    assert "warning: defaults: parallelism " in done.err
    assert images.ok("list", "datum", "-f", str(path), "-o", "json").json
    shown = images.ok("create", "pipeline", "-f", str(path), "--dry-run").json[0]
    images.ok("create", "pipeline", "-f", str(path))

    assert shown["transform"]["cmd"] == ["true"]
    assert shown["parallelism_spec"] == {"constant": 2}
