from pathlib import Path

from tests.unit.cli.runner import Cli


def test_without_ready_jobs_there_is_nothing_to_do(cli: Cli) -> None:
    done = cli.ok("run")

    assert (done.out, done.err) == ("", "")


def test_a_sign_of_life_is_a_file_that_is_touched(cli: Cli, tmp_path: Path) -> None:
    cli.ok("run", "--alive", str(tmp_path / "alive"))

    assert (tmp_path / "alive").exists()
    assert cli("run", "--alive", str(tmp_path / "gone" / "alive")).code == 1


def test_a_pipeline_that_is_not_there_is_not_run(cli: Cli) -> None:
    assert cli("run", "nope").code == 3


def test_how_to_run_is_one_of_two_words(cli: Cli) -> None:
    assert cli("run", "--executor", "magic").code == 2
    assert cli("run", "--workers", "0").code == 2
