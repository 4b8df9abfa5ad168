"""What users get wrong: one clear error that names the thing, with its code, and nothing done.

Issue of the first session, "Bad input"; what a store or a disk refuses is in test_bad_places.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import Pfs, PfsError
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError

COPY = {
    "pipeline": {"name": "edges"},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
    "transform": {"cmd": ["sh"], "stdin": ["cp -r /pfs/images/* /pfs/out"]},
}

# Bad input: one clear error that names the thing, with its code; nothing half-done stays.

NO_ID = "0123456789ab4def8123456789abcdef"
BAD: list[tuple[str, Any, type[PfsError], ErrorCode, str]] = [
    ("repo-name", lambda p: p.create_repo("a b"), RefusedError, ErrorCode.NAME_ILLEGAL, "a b"),
    ("repo-empty", lambda p: p.create_repo(""), RefusedError, ErrorCode.NAME_ILLEGAL, ""),
    ("repo-twice", lambda p: p.create_repo("images"), ConflictError,
     ErrorCode.REPO_EXISTS, "images"),
    ("project", lambda p: p.create_repo("no/x"), NotFoundError, ErrorCode.PROJECT_NOT_FOUND, "no"),
    ("repo", lambda p: p.list_commits("nope"), NotFoundError, ErrorCode.REPO_NOT_FOUND, "nope"),
    ("repo-put", lambda p: p.put_file("nope@master:/a", b""), NotFoundError,
     ErrorCode.REPO_NOT_FOUND, "nope"),
    ("branch", lambda p: p.inspect_commit("images@no"), NotFoundError,
     ErrorCode.BRANCH_NOT_FOUND, "no"),
    ("branch-list", lambda p: list(p.list_files("images@no:/")), NotFoundError,
     ErrorCode.BRANCH_NOT_FOUND, "no"),
    ("branch-name", lambda p: p.create_branch(f"images@{NO_ID}"), RefusedError,
     ErrorCode.ADDRESS_ILLEGAL, NO_ID),
    ("commit", lambda p: p.inspect_commit(f"images@{NO_ID}"), NotFoundError,
     ErrorCode.COMMIT_NOT_FOUND, NO_ID),
    ("ancestry", lambda p: p.inspect_commit("images@master^9"), NotFoundError,
     ErrorCode.COMMIT_NOT_FOUND, "master"),
    ("address", lambda p: p.read_file("images"), RefusedError, ErrorCode.ADDRESS_ILLEGAL, "images"),
    ("path", lambda p: p.put_file("images@master:/a/../b", b""), RefusedError,
     ErrorCode.PATH_ILLEGAL, ".."),
    ("file", lambda p: p.read_file("images@master:/none"), NotFoundError,
     ErrorCode.FILE_NOT_FOUND, "/none"),
    ("source", lambda p: p.put_file("images@master:/a", "/no/such/file"), NotFoundError,
     ErrorCode.SOURCE_NOT_FOUND, "/no/such/file"),
    ("folder", lambda p: p.put_tree("images@master:/a", "/no/such/folder"), NotFoundError,
     ErrorCode.SOURCE_NOT_FOUND, "/no/such/folder"),
    ("glob", lambda p: list(p.glob_files("images@master", "/[a")), RefusedError,
     ErrorCode.GLOB_ILLEGAL, "["),
    ("below-file", lambda p: p.put_file("images@master:/x/y", b""), ConflictError,
     ErrorCode.PATH_CONFLICT, "/x"),
    ("output", lambda p: p.put_file("made@master:/y", b""), RefusedError,
     ErrorCode.OUTPUT_BRANCH, "made@master"),
    ("output-start", lambda p: p.start_commit("made@master"), RefusedError,
     ErrorCode.OUTPUT_BRANCH, "made@master"),
    ("finished", lambda p: p.finish_commit("images@master"), ConflictError,
     ErrorCode.COMMIT_FINISHED, "images"),
    ("own-repo", lambda p: p.create_branch("images@b", provenance=["images@master"]), RefusedError,
     ErrorCode.PROVENANCE_ILLEGAL, "images"),
    ("trigger-field", lambda p: p.create_branch("images@b", trigger={"brunch": "x"}), RefusedError,
     ErrorCode.TRIGGER_ILLEGAL, "brunch"),
    ("trigger-size", lambda p: p.create_branch("images@b", trigger={"branch": "x", "size": "1Q"}),
     RefusedError, ErrorCode.TRIGGER_ILLEGAL, "1Q"),
    ("pipeline", lambda p: p.inspect_pipeline("nope"), NotFoundError,
     ErrorCode.PIPELINE_NOT_FOUND, "nope"),
    ("run", lambda p: p.run("nope"), NotFoundError, ErrorCode.PIPELINE_NOT_FOUND, "nope"),
    ("jobs", lambda p: p.list_jobs("nope"), NotFoundError, ErrorCode.PIPELINE_NOT_FOUND, "nope"),
    ("logs", lambda p: list(p.logs("nope")), NotFoundError, ErrorCode.PIPELINE_NOT_FOUND, "nope"),
    ("job", lambda p: p.inspect_job(f"made@{NO_ID}"), NotFoundError,
     ErrorCode.JOB_NOT_FOUND, NO_ID),
    ("job-address", lambda p: p.list_datums("made"), RefusedError,
     ErrorCode.ADDRESS_ILLEGAL, "made"),
    ("function-kind", lambda p: p.map(lambda out: out, input="images"), RefusedError,
     ErrorCode.SPEC_ILLEGAL, "<lambda>"),
    ("function-module", lambda p: p.map("no_module:edges", input="images"), RefusedError,
     ErrorCode.SPEC_ILLEGAL, "no_module:edges"),
    ("function-input", lambda p: p.map("shutil:disk_usage", input="images"), RefusedError,
     ErrorCode.SPEC_ILLEGAL, "disk_usage takes path"),
    ("secret-kind", lambda p: p.create_secret({"kind": "Pod"}), RefusedError,
     ErrorCode.SECRET_ILLEGAL, "Secret"),
    ("secret", lambda p: p.inspect_secret("none"), NotFoundError,
     ErrorCode.SECRET_NOT_FOUND, "none"),
    ("in-use", lambda p: p.delete_repo("images"), ConflictError, ErrorCode.IN_USE, "made"),
    ("pipeline-repo", lambda p: p.delete_repo("made"), ConflictError, ErrorCode.IN_USE, "made"),
]  # fmt: skip


@pytest.fixture(scope="module")
def mishandled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pfs]:
    folder = tmp_path_factory.mktemp("mishandled")
    with Pfs(catalog=f"sqlite:///{folder / 'c.db'}", store=(folder / "s").as_uri()) as pfs:
        pfs.create_repo("images")
        pfs.put_file("images@master:/x", b"1")
        pfs.create_pipeline({**COPY, "pipeline": {"name": "made"}})
        yield pfs


@pytest.mark.parametrize(
    ("act", "kind", "code", "named"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_bad_input_gets_one_error_and_leaves_nothing(
    mishandled: Pfs, act: Any, kind: type[PfsError], code: ErrorCode, named: str
) -> None:
    before = mishandled.last_event_number()

    with pytest.raises(kind) as raised:
        act(mishandled)

    assert raised.value.code == code
    assert named in str(raised.value)
    assert mishandled.last_event_number() == before


SPECS: list[tuple[str, dict[str, Any], str]] = [
    ("no-cmd", {"transform": {}}, "transform.cmd"),
    ("wrong-type", {"transform": {"cmd": {"a": 1}}}, "transform.cmd"),
    ("unknown-field", {"transfrom": {"cmd": ["x"]}}, "transform"),
    ("no-glob", {"input": {"pfs": {"repo": "images"}}}, "input.pfs.glob"),
    ("no-repo", {"input": {"pfs": {"glob": "/"}}}, "input.pfs.repo"),
    ("bad-glob", {"input": {"pfs": {"repo": "images", "glob": "/["}}}, "input.pfs.glob"),
    ("two-kinds", {"input": {"pfs": {"repo": "images", "glob": "/"}, "cron": {}}}, "input"),
    ("out", {"input": {"pfs": {"repo": "images", "name": "out", "glob": "/"}}}, "out"),
    ("name", {"pipeline": {"name": "a.b"}}, "a.b"),
    ("tries", {"datum_tries": "many"}, "datum_tries"),
    ("timeout", {"datum_timeout": "soon"}, "datum_timeout"),
]


@pytest.mark.parametrize(
    ("change", "named"), [case[1:] for case in SPECS], ids=[case[0] for case in SPECS]
)
def test_a_bad_spec_is_refused_by_its_field(
    mishandled: Pfs, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(RefusedError) as raised:
        mishandled.create_pipeline({**COPY, **change})

    assert raised.value.code in {ErrorCode.SPEC_ILLEGAL, ErrorCode.NAME_ILLEGAL}
    assert named in str(raised.value)
    assert [p.name for p in mishandled.list_pipelines()] == ["made"]


def test_a_missing_secret_fails_its_job_with_the_field_and_harms_nothing_else(
    tmp_path: Path,
) -> None:
    wanted = [{"name": "db", "key": "password", "env_var": "PW"}]
    transform = {"cmd": ["sh"], "stdin": ["cp /pfs/images/* /pfs/out"]}
    with Pfs(home=tmp_path) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline({**COPY, "transform": {**transform, "secrets": wanted}})
        pfs.create_pipeline({**COPY, "pipeline": {"name": "other"}})
        pfs.put_file("images@master:/x", b"1")

        jobs = {job.pipeline: job for job in pfs.run()}

        reason = jobs["edges"].reason or ""
        assert (jobs["edges"].state, jobs["edges"].processed) == ("failure", 0)
        assert reason.startswith("transform.secrets[0].env_var: the secret 'db' with the key")
        assert "pfs create secret" in reason
        assert jobs["other"].state == "success"
        assert pfs.inspect_commit("edges@master").error
        secret = {"kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "x"}}
        pfs.create_secret(secret)
        pfs.put_file("images@master:/y", b"2")
        assert {job.state for job in pfs.run()} == {"success"}


def test_a_spec_over_what_is_not_there_or_on_itself_is_refused(mishandled: Pfs) -> None:
    none = {**COPY, "input": {"pfs": {"repo": "none", "glob": "/"}}}
    itself = {**COPY, "input": {"pfs": {"repo": "edges", "glob": "/"}}}

    mishandled.create_repo("other")

    with pytest.raises(NotFoundError) as missing:
        mishandled.create_pipeline(none)
    with pytest.raises(PfsError) as circle:
        mishandled.create_pipeline(itself)
    with pytest.raises(ConflictError) as twice:
        mishandled.create_pipeline({**COPY, "pipeline": {"name": "made"}})
    with pytest.raises(ConflictError) as taken:
        mishandled.create_pipeline({**COPY, "pipeline": {"name": "other"}})

    assert missing.value.code == ErrorCode.REPO_NOT_FOUND
    assert circle.value.code in {ErrorCode.PROVENANCE_ILLEGAL, ErrorCode.SPEC_ILLEGAL}
    assert twice.value.code == ErrorCode.PIPELINE_EXISTS
    assert taken.value.code == ErrorCode.REPO_EXISTS


@pytest.mark.parametrize(
    ("catalog", "store", "code"),
    [
        ("nonsense", None, ErrorCode.CATALOG_URL_ILLEGAL),
        ("mysql://u:secret@h/d", None, ErrorCode.CATALOG_URL_ILLEGAL),
        (None, "s4://bucket", ErrorCode.STORE_URL_ILLEGAL),
        (None, "s3://", ErrorCode.STORE_URL_ILLEGAL),
        ("postgresql+psycopg://u:secret@127.0.0.1:9/d", None, ErrorCode.CATALOG_UNAVAILABLE),
    ],
)
def test_a_wrong_place_is_told_without_its_password(
    tmp_path: Path, catalog: str | None, store: str | None, code: ErrorCode
) -> None:
    catalog = catalog or f"sqlite:///{tmp_path / 'c.db'}"
    store = store or (tmp_path / "s").as_uri()

    with pytest.raises(PfsError) as raised:
        Pfs(catalog=catalog, store=store)

    assert raised.value.code == code
    assert "secret" not in str(raised.value)
