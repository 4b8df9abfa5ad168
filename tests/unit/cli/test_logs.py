from tests.unit.cli.runner import Cli


def test_logs_of_a_job_that_has_not_run_are_empty(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)

    assert images.ok("logs", "--pipeline", "edges").out == ""


def test_logs_of_what_is_not_there_say_so(images: Cli) -> None:
    assert images("logs", "--job", f"edges@{'1' * 32}").code == 3
    assert images("logs", "--pipeline", "edges").code in {3, 4}
