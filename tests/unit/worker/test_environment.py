import os

import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.worker.environment import (
    DatumFacts,
    PieceFacts,
    S3Access,
    build_environment,
    find_own_variables,
    search_path,
)

IMAGES = PieceFacts(input="images", path="/a/b.png", commit="c1", join_on="b", group_by="g")
LABELS = PieceFacts(input="raw-labels", path="/", commit="c2")


def facts(*pieces: PieceFacts) -> DatumFacts:
    return DatumFacts(
        datum="d", job="j", output_commit="o", project="p", pipeline="edges", pieces=pieces
    )


def test_each_input_gives_its_path_and_its_commit() -> None:
    env = build_environment(facts(IMAGES, LABELS), {})

    assert env["images"] == "/pfs/images/a/b.png"
    assert env["images_COMMIT"] == "c1"
    assert env["PACH_IMAGES_COMMIT_ID"] == env["PFS_IMAGES_COMMIT_ID"] == "c1"
    assert env["raw-labels"] == "/pfs/raw-labels"


def test_a_datums_own_variables_are_those_that_its_job_would_not_have() -> None:
    own = find_own_variables(facts(IMAGES, LABELS))

    assert own == build_environment(facts(IMAGES, LABELS), {}).keys() - (
        build_environment(facts(), {}).keys() - {"PACH_DATUM_ID", "PFS_DATUM_ID"}
    )
    assert "PATH" not in find_own_variables(facts(PieceFacts(input="PATH", path="/", commit="c")))


def test_keys_of_joins_and_groups_are_set_only_where_there_are_some() -> None:
    env = build_environment(facts(IMAGES, LABELS), {})

    assert env["PACH_DATUM_images_JOIN_ON"] == env["PFS_DATUM_images_JOIN_ON"] == "b"
    assert env["PACH_DATUM_images_GROUP_BY"] == env["PFS_DATUM_images_GROUP_BY"] == "g"
    assert not any("raw-labels_JOIN_ON" in name or "raw-labels_GROUP" in name for name in env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PACH_DATUM_ID", "d"),
        ("PFS_DATUM_ID", "d"),
        ("PACH_JOB_ID", "j"),
        ("PFS_JOB_ID", "j"),
        ("PACH_OUTPUT_COMMIT_ID", "o"),
        ("PFS_OUTPUT_COMMIT_ID", "o"),
        ("PPS_PIPELINE_NAME", "edges"),
        ("PFS_PIPELINE_NAME", "edges"),
        ("PPS_PROJECT_NAME", "p"),
        ("PFS_PROJECT_NAME", "p"),
        ("PFS_ROOT", "/pfs"),
        ("HOME", "/pfs-home"),
    ],
)
def test_the_datum_and_what_it_is_run_for_are_named(name: str, value: str) -> None:
    assert build_environment(facts(), {})[name] == value


def test_nothing_of_the_workers_own_environment_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFS_CATALOG", "postgresql://user:password@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    env = build_environment(facts(IMAGES), {})

    assert "PFS_CATALOG" not in env
    assert "AWS_SECRET_ACCESS_KEY" not in env
    assert env["PATH"] != os.environ["PATH"]


def test_the_specs_variables_are_set_and_give_way_to_the_datums() -> None:
    env = build_environment(
        facts(IMAGES), {"PATH": "/x", "A": "1", "images": "no"}, secrets={"A": "2"}
    )

    assert (env["PATH"], env["A"], env["images"]) == ("/x", "2", "/pfs/images/a/b.png")


def test_an_input_named_path_does_not_break_the_search_for_commands() -> None:
    env = build_environment(facts(PieceFacts(input="PATH", path="/a", commit="c")), {})

    assert env["PATH"].startswith("/usr/local/sbin")
    assert env["PATH_COMMIT"] == "c"


def test_of_several_pieces_of_one_input_the_last_is_named() -> None:
    pieces = [PieceFacts(input="in", path=f"/{n}", commit="c") for n in range(3)]

    assert build_environment(facts(*pieces), {})["in"] == "/pfs/in/2"


def test_a_jobs_gateway_is_named_with_its_keys() -> None:
    s3 = S3Access(endpoint="http://localhost:1", access_key="k", secret_key="s")

    env = build_environment(facts(), {}, s3=s3)

    assert env["S3_ENDPOINT"] == "http://localhost:1"
    assert (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]) == ("k", "s")


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A", "x\0"), ("A\0", "x")])
def test_a_variable_that_no_process_can_have_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(RefusedError, match=r"transform\.env"):
        build_environment(facts(), {name: value})


def test_the_folder_of_an_interpreter_comes_first_in_the_path() -> None:
    assert search_path("/venv/bin/python").startswith("/venv/bin:/usr/local/sbin:")
    assert search_path("/usr/bin/python3").count("/usr/bin") == 1
