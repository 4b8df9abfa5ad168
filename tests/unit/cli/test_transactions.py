from tests.unit.cli.runner import Cli


def test_acts_of_a_transaction_happen_together(cli: Cli) -> None:
    started = cli.ok("start", "transaction").out.strip()
    cli.ok("create", "repo", "data")
    cli.ok("create", "repo", "parameters")
    one = cli.ok("start", "commit", "data@master").out.strip()
    two = cli.ok("start", "commit", "parameters@master").out.strip()
    before = cli.ok("list", "repo").out

    finished = cli.ok("finish", "transaction").out.strip()

    assert before == ""
    assert started == one == two == finished
    commits = cli.ok("list", "commit", started, "-o", "json").json
    assert sorted(commit["repo"] for commit in commits) == ["data", "parameters"]
    assert cli.ok("list", "transaction").out == ""


def test_a_wrong_act_is_refused_at_once_and_not_kept(cli: Cli) -> None:
    cli.ok("start", "transaction")

    done = cli("create", "branch", "nope@master")

    assert done.code == 3
    assert cli.ok("inspect", "transaction", "-o", "json").json[0]["requests"] == []


def test_a_deleted_transaction_never_happens(cli: Cli) -> None:
    cli.ok("start", "transaction")
    cli.ok("create", "repo", "data")

    cli.ok("delete", "transaction")

    assert cli.ok("list", "repo").out == ""
    assert cli("finish", "transaction").code == 3


def test_a_transaction_can_be_left_and_taken_up_again(cli: Cli) -> None:
    name = cli.ok("start", "transaction", "-o", "json").json[0]["id"]
    cli.ok("create", "repo", "inside")
    cli.ok("stop", "transaction")
    cli.ok("create", "repo", "outside")
    listed = cli.ok("list", "transaction").out.splitlines()

    cli.ok("resume", "transaction", name)
    cli.ok("finish", "transaction")

    assert listed[0].split() == ["TRANSACTION", "STARTED", "OPS"]
    assert listed[1].split()[-1] == "1"
    repos = cli.ok("list", "repo", "-o", "json").json
    assert [repo["name"] for repo in repos] == ["inside", "outside"]


def test_transactions_do_not_nest(cli: Cli) -> None:
    cli.ok("start", "transaction")

    assert cli("start", "transaction").code == 4
