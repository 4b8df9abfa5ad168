"""Names of jobs and of their objects."""

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import parse_job_ref, parse_pipeline_key

ID = "0123456789ab4def8123456789abcdef"


def test_a_job_is_named_by_pipeline_and_id() -> None:
    assert str(parse_job_ref(f"edges@{ID}")) == f"edges@{ID}"
    assert parse_job_ref(f"vision/edges@{ID}").prefix == f"jobs/vision/edges/{ID}/"
    assert parse_job_ref(f"edges@{ID}").prefix == f"jobs/default/edges/{ID}/"


def test_every_object_of_a_job_lies_below_its_prefix_and_sorts_by_number() -> None:
    job = parse_job_ref(f"edges@{ID}")

    names = [
        job.plan, job.set("d", 1), job.claim(3, 2), job.result(7), job.beat("i"),
        job.log(b"\1\2"), job.restart("0102"), job.stop,
    ]  # fmt: skip

    assert [name.removeprefix(job.prefix) for name in names] == [
        "plan", "sets/d/00000001", "claims/00000003.000002", "results/00000007", "beats/i",
        "logs/0102", "restarts/0102", "stop",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("edges", ErrorCode.ADDRESS_ILLEGAL),
        ("edges@master", ErrorCode.ID_ILLEGAL),
        (f"ed.ges@{ID}", ErrorCode.NAME_ILLEGAL),
        (f"a/b/edges@{ID}", ErrorCode.NAME_ILLEGAL),
        (f"@{ID}", ErrorCode.NAME_ILLEGAL),
    ],
)
def test_what_names_no_job_is_refused(text: str, code: ErrorCode) -> None:
    with pytest.raises(RefusedError) as raised:
        parse_job_ref(text)

    assert raised.value.code == code


def test_a_pipeline_has_the_default_project_unless_it_names_one() -> None:
    assert parse_pipeline_key("edges").project == "default"
    assert parse_pipeline_key("vision/edges").project == "vision"
    with pytest.raises(RefusedError):
        parse_pipeline_key("/edges")
