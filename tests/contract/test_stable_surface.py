"""DESIGN 15, the Python part, to the letter: every call shown there, and every noun's fields.

Run on SQLite with a folder, and on PostgreSQL with an S3 store where both are there. Jobs run as
users run them: ``pfs.run()`` with worker processes.
"""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import FrozenInstanceError, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pfs_provider import Pfs
from pfs_provider.errors import ConflictError
from tests.services import REGION, need, postgres_database, s3_bucket, s3_options

ID = re.compile(r"[0-9a-f]{32}")

# What `-o json` and remote implementations rest on: names and their order.
FIELDS = {
    "repo": "project, name, description, created, size",
    "branch": "project, repo, name, head, provenance, trigger",
    "commit": "project, repo, branch, id, parent, origin, state, started, finished, size, message, "
    "error, provenance",
    "file": "path, type, size, digest, datum, modified",
    "diff": "op, path, old_size, new_size",
    "pipeline": "project, name, version, state, reason, input, created, last_job",
    "job": "id, project, pipeline, version, output_commit, state, reason, created, started, "
    "finished, total, processed, skipped, recovered, failed",
    "datum": "id, job, state, files, tries, exit_code, started, finished",
}

EDGES = {
    "pipeline": {"name": "edges"},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
    "transform": {
        "cmd": ["sh"],
        "stdin": ["for f in /pfs/images/*; do tr a-z A-Z < $f > /pfs/out/$(basename $f); done"],
    },
}
MONTAGE = {
    "pipeline": {"name": "montage"},
    "input": {"pfs": {"repo": "edges", "glob": "/"}},
    "transform": {"cmd": ["sh"], "stdin": ["cat /pfs/edges/* > /pfs/out/montage"]},
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a façade keeps its data."""

    catalog: str
    store: str
    store_options: dict[str, str]

    def open(self) -> Pfs:
        return Pfs(catalog=self.catalog, store=self.store, store_options=self.store_options)


def _place(kind: str, stack: ExitStack, folder: Path) -> Place:
    if kind == "embedded":
        return Place(f"sqlite:///{folder / 'catalog.db'}", (folder / "store").as_uri(), {})
    endpoint = need("PFS_TEST_S3_ENDPOINT", "minio")
    url = stack.enter_context(postgres_database())
    bucket = stack.enter_context(s3_bucket())
    return Place(url, f"s3://{bucket}/pfs?endpoint={endpoint}&region={REGION}", s3_options())


PLACES = ["embedded", pytest.param("services", marks=[pytest.mark.postgres, pytest.mark.minio])]


@pytest.fixture(params=PLACES)
def pfs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pfs]:
    with ExitStack() as stack, _place(request.param, stack, tmp_path).open() as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Lived:
    """A façade in which edges → montage ran over two changes."""

    pfs: Pfs
    first: str
    second: str


@pytest.fixture(scope="module", params=PLACES)
def lived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("lived")
    with ExitStack() as stack, _place(request.param, stack, folder).open() as pfs:
        pfs.create_repo("images")
        with pfs.commit("images@master", message="first") as one:
            one.put_file("/a", b"a")
            one.put_file("/b", b"b")
        pfs.create_pipeline(EDGES)
        pfs.create_pipeline(MONTAGE)
        assert [job.state for job in pfs.run()] == ["success"] * 2
        with pfs.commit("images@master", message="second") as two:
            two.put_file("/c", b"c")
        assert [job.state for job in pfs.run()] == ["success"] * 2
        yield Lived(pfs, one.id, two.id)


def _is_utc(value: datetime | None) -> bool:
    return value is not None and value.utcoffset() == datetime.now(UTC).utcoffset()


def _files(pfs: Pfs, ref: str) -> dict[str, bytes]:
    return {info.path: pfs.read_file(f"{ref}:{info.path}") for info in pfs.glob_files(ref, "/**")}


def test_settings_come_from_the_environment_or_are_given(
    tmp_path: Path, pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pfs() as pfs:
        pfs.create_repo("by-environment")
    assert (pfs_home / "catalog.db").exists()
    with Pfs(home=pfs_home) as pfs:
        assert [repo.name for repo in pfs.list_repos()] == ["by-environment"]

    url = f"sqlite:///{tmp_path / 'c.db'}"
    with Pfs(catalog=url, store=str(tmp_path / "s")) as pfs:
        pfs.create_repo("given")
    monkeypatch.setenv("PFS_CATALOG", url)
    monkeypatch.setenv("PFS_STORE", (tmp_path / "s").as_uri())
    with Pfs() as pfs:
        assert [repo.name for repo in pfs.list_repos()] == ["given"]


def test_a_commit_is_gathered_as_the_design_shows(pfs: Pfs, tmp_path: Path) -> None:
    local = tmp_path / "local"
    (local / "folder").mkdir(parents=True)
    (local / "liberty.png").write_bytes(b"png")
    (local / "folder" / "x").write_bytes(b"x")
    pfs.create_repo("images")
    pfs.put_file("images@master:/old.png", b"old")

    with pfs.commit("images@master", message="first") as c:
        c.put_file("/liberty.png", str(local / "liberty.png"))
        c.put_file("/by-path.png", local / "liberty.png")
        c.put_file("/by-url.png", (local / "liberty.png").as_uri())
        c.put_file("/bytes", b"bytes")
        c.put_file("/stream", io.BytesIO(b"stream"))
        c.put_tree("/batch", str(local / "folder"))
        c.delete_file("/old.png")
        c.copy_file("/copy.png", "images@master:/old.png")

    assert _files(pfs, "images@master") == {
        "/batch/x": b"x", "/by-path.png": b"png", "/by-url.png": b"png", "/bytes": b"bytes",
        "/copy.png": b"old", "/liberty.png": b"png", "/stream": b"stream",
    }  # fmt: skip
    commit = pfs.inspect_commit("images@master")
    assert (commit.id, commit.message) == (c.id, "first")
    with pfs.commit("images@master") as c:
        c.copy_file("/copy.png", "images@master^:/old.png")
    assert pfs.read_file("images@master:/copy.png") == b"old"


def test_a_commit_lands_whole_or_not_at_all(pfs: Pfs) -> None:
    pfs.create_repo("images")

    def fail_midway() -> None:
        with pfs.commit("images@master") as c:
            c.put_file("/a", b"a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()

    assert pfs.list_commits("images") == []
    assert pfs.list_branches("images") == []


def test_files_are_read_as_the_design_shows(lived: Lived, tmp_path: Path) -> None:
    pfs = lived.pfs

    listed = pfs.list_files("images@master:/")
    assert [info.path for info in listed] == ["/a", "/b", "/c"]
    assert [info.path for info in pfs.glob_files("images@master", "/**")] == ["/a", "/b", "/c"]
    with pfs.open("images@master:/a") as stream:
        assert stream.seekable()
        assert stream.read() == b"a"
    assert pfs.read_file("montage@master:/montage") == b"ABC"
    assert pfs.get_tree("images@master:/", tmp_path / "folder") == 3
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["a", "b", "c"]
    assert [(d.op, d.path) for d in pfs.diff_files("images@master")] == [("added", "/c")]
    diff = pfs.diff_files(f"images@{lived.first}", old=f"images@{lived.second}")
    assert [(d.op, d.path, d.old_size, d.new_size) for d in diff] == [("deleted", "/c", 1, None)]


def test_directories_end_in_a_slash(pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.put_file("images@master:/d/x", b"1")

    assert [(f.path, f.type) for f in pfs.list_files("images@master:/")] == [("/d/", "dir")]
    assert [f.path for f in pfs.glob_files("images@master", "/**")] == ["/d/x"]


def test_every_noun_has_its_fields_in_order_and_never_changes(lived: Lived) -> None:
    pfs = lived.pfs
    job = pfs.list_jobs("edges")[0]
    nouns: dict[str, Any] = {
        "repo": pfs.list_repos()[0],
        "branch": pfs.list_branches("edges")[0],
        "commit": pfs.inspect_commit("edges@master"),
        "file": next(pfs.list_files("edges@master:/")),
        "diff": next(pfs.diff_files("edges@master")),
        "pipeline": pfs.list_pipelines()[0],
        "job": job,
        "datum": next(iter(pfs.list_datums(f"edges@{job.id}"))),
    }

    assert {
        name: ", ".join(field.name for field in fields(value)) for name, value in nouns.items()
    } == FIELDS
    for value in nouns.values():
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, None)


def test_one_id_names_the_commit_the_change_and_every_job(lived: Lived) -> None:
    pfs = lived.pfs

    assert ID.fullmatch(lived.second)
    assert {c.repo for c in pfs.list_change(lived.second)} == {"images", "edges", "montage"}
    assert {c.id for c in pfs.list_change(lived.second)} == {lived.second}
    assert {job.id for job in pfs.list_jobs() if job.id == lived.second} == {lived.second}
    assert pfs.inspect_job(f"montage@{lived.second}").state == "success"


def test_commits_say_what_they_are(lived: Lived) -> None:
    source = lived.pfs.inspect_commit("images@master")
    output = lived.pfs.inspect_commit("edges@master")

    assert (source.id, source.parent, source.origin) == (lived.second, lived.first, "user")
    assert (source.project, source.repo, source.branch) == ("default", "images", "master")
    assert (source.state, source.size, source.message) == ("finished", 3, "second")
    assert (source.error, source.provenance) == (None, ())
    assert _is_utc(source.started)
    assert _is_utc(source.finished)
    assert (output.origin, output.provenance) == ("auto", (f"default/images@{lived.second}",))


def test_lists_have_the_newest_first(lived: Lived) -> None:
    assert [c.id for c in lived.pfs.list_commits("images")] == [lived.second, lived.first]
    assert lived.pfs.list_jobs("edges")[0].id == lived.second


def test_jobs_count_their_datums(lived: Lived) -> None:
    job = lived.pfs.inspect_job(f"edges@{lived.second}")

    assert (job.project, job.pipeline, job.version) == ("default", "edges", 1)
    assert job.output_commit == f"default/edges@{lived.second}"
    assert (job.state, job.reason) == ("success", "")
    assert (job.total, job.processed, job.skipped, job.recovered, job.failed) == (3, 1, 2, 0, 0)
    assert all(map(_is_utc, (job.created, job.started, job.finished)))
    assert lived.pfs.inspect_commit(job.output_commit).id == lived.second


def test_datums_name_their_files_at_the_very_commit(lived: Lived) -> None:
    found = {d.files: d for d in lived.pfs.list_datums(f"edges@{lived.second}")}
    (whole,) = lived.pfs.list_datums(f"montage@{lived.second}")

    new = found[(f"images@{lived.second}:/c",)]
    assert (new.state, new.tries, new.exit_code, new.job) == ("success", 1, 0, lived.second)
    assert ID.fullmatch(new.id)
    assert all(map(_is_utc, (new.started, new.finished)))
    assert [d.state for d in found.values()].count("skipped") == 2
    assert whole.files == (f"edges@{lived.second}:/",)


def test_files_of_jobs_name_their_datum(lived: Lived) -> None:
    info = next(lived.pfs.list_files("edges@master:/"))

    assert info.datum in {d.id for d in lived.pfs.list_datums(f"edges@{lived.second}")}
    assert re.fullmatch(r"[0-9a-f]{64}", info.digest)
    assert _is_utc(info.modified)


def test_pipelines_and_branches_say_what_they_are(lived: Lived) -> None:
    pipeline = {p.name: p for p in lived.pfs.list_pipelines()}["edges"]

    assert (pipeline.project, pipeline.version, pipeline.state) == ("default", 1, "running")
    assert (pipeline.input, pipeline.last_job, pipeline.reason) == ("images:/*", "success", "")
    branch = lived.pfs.inspect_branch("edges@master")
    assert (branch.head, branch.provenance) == (lived.second, ("default/images@master",))
    assert branch.trigger is None


def test_provenance_leads_back_and_forth_between_commits(lived: Lived) -> None:
    pfs, id_ = lived.pfs, lived.second

    assert [c.repo for c in pfs.provenance("montage@master")] == ["edges", "images"]
    assert [c.repo for c in pfs.subvenance("images@master")] == ["edges", "montage"]
    assert [c.repo for c in pfs.subvenance(f"images@{id_}")] == ["edges", "montage"]


def test_provenance_leads_back_and_forth_between_files(lived: Lived) -> None:
    pfs, id_ = lived.pfs, lived.second

    back: list[Any] = list(pfs.provenance("montage@master:/montage"))
    forth: list[Any] = list(pfs.subvenance("images@master:/c"))

    assert [link.file for link in back] == [
        *(f"edges@{id_}:/{name}" for name in "abc"), *(f"images@{id_}:/{name}" for name in "abc")
    ]  # fmt: skip
    assert [link.datum is None for link in back] == [False] * 3 + [True] * 3
    assert [link.file for link in forth] == [f"edges@{id_}:/c", f"montage@{id_}:/montage"]
    assert [link.job for link in forth] == [f"edges@{id_}", f"montage@{id_}"]


def test_branches_are_made_and_declared_again(pfs: Pfs) -> None:
    for repo in ("raw", "images"):
        pfs.create_repo(repo)
        pfs.put_file(f"{repo}@master:/x", b"1")

    made = pfs.create_branch("images@v1", head="images@master", provenance=["raw@master"])
    assert made.provenance == ("default/raw@master",)
    again = pfs.create_branch("images@v1")

    assert again.provenance == ()
    assert pfs.create_branch("images@empty").head is None
    assert list(pfs.list_files("images@empty:/")) == []


def test_specs_come_from_a_path_a_url_a_mapping_or_an_open_file(pfs: Pfs, tmp_path: Path) -> None:
    pfs.create_repo("images")
    text = '{"pipeline": {"name": "%s"}, "input": {"pfs": {"repo": "images", "glob": "/*"}}, '
    text += '"transform": {"cmd": ["true"]}}'
    for name in ("path", "text", "url", "file"):
        (tmp_path / f"{name}.json").write_text(text % name)

    pfs.create_pipeline(tmp_path / "path.json")
    pfs.create_pipeline(str(tmp_path / "text.json"))
    pfs.create_pipeline((tmp_path / "url.json").as_uri())
    with (tmp_path / "file.json").open() as stream:
        pfs.create_pipeline(stream)
    pfs.create_pipeline(EDGES)

    assert [p.name for p in pfs.list_pipelines()] == ["edges", "file", "path", "text", "url"]


def test_an_update_makes_a_version_and_a_job(pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.put_file("images@master:/a", b"a")
    pfs.create_pipeline(EDGES)

    (updated,) = pfs.update_pipeline(EDGES, reprocess=False)

    assert updated.version == 2
    assert [(job.version, job.state) for job in pfs.list_jobs("edges")] == [
        (2, "starting"), (1, "killed")
    ]  # fmt: skip


def test_datums_can_be_seen_before_a_pipeline_is_made(pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.put_file("images@master:/a", b"a")

    (datum,) = pfs.preview_datums(EDGES)

    head = pfs.inspect_branch("images@master").head
    assert datum.files == (f"images@{head}:/a",)
    assert pfs.list_pipelines() == []


def test_a_transaction_is_one_change_and_one_job(pfs: Pfs) -> None:
    pfs.create_repo("left")
    pfs.create_repo("right")
    both = [{"pfs": {"repo": repo, "glob": "/"}} for repo in ("left", "right")]
    pfs.create_pipeline({**EDGES, "input": {"cross": both}})

    with pfs.transaction() as t:
        with pfs.commit("left@master") as one:
            one.put_file("/a", b"1")
        with pfs.commit("right@master") as two:
            two.put_file("/b", b"2")

    assert one.id == two.id == t.id
    assert [job.id for job in pfs.list_jobs("edges")] == [t.id]


def test_a_transaction_that_fails_leaves_nothing(pfs: Pfs) -> None:
    def fail_midway() -> None:
        with pfs.transaction():
            pfs.create_repo("a")
            pfs.create_repo("a")

    with pytest.raises(ConflictError):
        fail_midway()

    assert pfs.list_repos() == []
