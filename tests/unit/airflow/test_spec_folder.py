from pathlib import Path

import pytest

from pfs_provider.airflow.spec_folder import cron_inputs, file_inputs, load_folder
from pfs_provider.errors import NotFoundError, RefusedError
from pfs_provider.refs.names import PipelineKey, RepoKey
from tests.unit.airflow.specs import spec, write_specs


def _key(name: str) -> PipelineKey:
    return PipelineKey("default", name)


def test_each_pipeline_comes_after_those_whose_output_it_reads(tmp_path: Path) -> None:
    write_specs(
        tmp_path / "specs",
        a=[spec("montage", "images", "edges"), spec("edges", "images")],
        b=spec("report", "montage", "labels"),
    )

    found = load_folder(tmp_path / "specs")

    assert [one.spec.key.name for one in found.specs] == ["edges", "montage", "report"]
    assert found.source_repos == (RepoKey("default", "images"), RepoKey("default", "labels"))
    assert found.upstream(found.specs[1].spec) == (_key("edges"),)
    assert found.files[_key("report")].name == "b.json"


def test_json_and_yaml_count_also_in_folders_below_and_nothing_else(tmp_path: Path) -> None:
    write_specs(tmp_path, a=spec("a", "images"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.yaml").write_text(
        "pipeline: {name: b}\ntransform: {cmd: [sh]}\ninput: {pfs: {repo: images, glob: /*}}\n"
        "---\n"
        "pipeline: {name: c}\ntransform: {cmd: [sh]}\ninput: {cron: {name: t, spec: '@daily'}}\n"
    )
    (tmp_path / "README.md").write_text("no spec")

    specs = load_folder(tmp_path).specs

    assert [one.spec.key.name for one in specs] == ["a", "b", "c"]
    assert [part.spec for part in cron_inputs(specs[2].spec)] == ["@daily"]
    assert file_inputs(specs[2].spec) == ()


def test_an_input_whose_commits_start_no_job_is_read_but_not_heard(tmp_path: Path) -> None:
    quiet = {"pfs": {"repo": "images", "glob": "/*", "propagation_spec": "never"}}
    write_specs(tmp_path, a=spec("a", "images", input=quiet))

    found = load_folder(tmp_path)

    assert file_inputs(found.specs[0].spec) == ()
    assert found.source_repos == (RepoKey("default", "images"),)


def test_a_bad_spec_is_one_error_that_names_file_and_field(tmp_path: Path) -> None:
    write_specs(tmp_path, good=spec("a", "images"), bad=spec("b", "images", datum_tries="many"))

    with pytest.raises(RefusedError, match=r"bad\.json: pipeline b: datum_tries"):
        load_folder(tmp_path)


def test_a_pipeline_in_two_files_is_refused_naming_both(tmp_path: Path) -> None:
    write_specs(tmp_path, first=spec("a", "images"), second=spec("a", "labels"))

    with pytest.raises(RefusedError, match=r"second\.json.*first\.json"):
        load_folder(tmp_path)


@pytest.mark.parametrize("flag", ["reprocess", "dry_run"])
def test_what_would_count_at_every_run_is_refused(tmp_path: Path, flag: str) -> None:
    write_specs(tmp_path, a=spec("a", "images", **{flag: True}))

    with pytest.raises(RefusedError, match=f"{flag} would count at every run"):
        load_folder(tmp_path)


def test_pipelines_that_read_each_other_are_named(tmp_path: Path) -> None:
    write_specs(tmp_path, a=[spec("a", "b"), spec("b", "a")])

    with pytest.raises(RefusedError, match=r"a → b → a|b → a → b"):
        load_folder(tmp_path)


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_folder_without_specs_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match="there is no spec"):
        load_folder(tmp_path / name)
