from tests.unit.cli.runner import Cli


def test_without_ready_jobs_there_is_nothing_to_do(cli: Cli) -> None:
    done = cli.ok("run")

    assert (done.out, done.err) == ("", "")


def test_a_pipeline_that_is_not_there_is_not_run(cli: Cli) -> None:
    assert cli("run", "nope").code == 3


def test_how_to_run_is_one_of_two_words(cli: Cli) -> None:
    assert cli("run", "--executor", "magic").code == 2
    assert cli("run", "--workers", "0").code == 2
