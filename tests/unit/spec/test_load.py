import io
import json
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PfsInput
from tests.unit.spec.examples import OLD_DOCUMENT, S3_DOCUMENT, document, load, load_text, pfs


def test_the_printed_spec_of_1_2_loads_with_a_warning_for_each_oddity() -> None:
    loaded = load_text(OLD_DOCUMENT)

    assert loaded.spec.key == PipelineKey("default", "my-pipeline")
    assert loaded.spec.transform.image == "my-image"
    assert loaded.spec.transform.cmd == ("my-binary", "arg1", "arg2")
    assert loaded.spec.transform.stdin == ("my-std-input",)
    assert loaded.spec.parallelism == 4
    assert loaded.spec.input == PfsInput(
        name="my-input", project="default", repo="my-input", glob="/*"
    )
    parallelism, method, inputs = loaded.warnings
    assert '"parallelism_spec": {"constant": 4}' in parallelism
    assert '"glob": "/*"' in method
    assert '"input": {"pfs": {"repo": "my-input", "glob": "/*"}}' in inputs


def test_the_printed_s3_spec_loads_with_a_warning_for_each_oddity() -> None:
    loaded = load_text(S3_DOCUMENT)

    assert loaded.spec.input == PfsInput(
        name="images", project="default", repo="images", glob="/", s3=True
    )
    assert loaded.spec.s3_out
    repo, s3 = loaded.warnings
    assert repo.startswith("input.pfs.repo ")
    assert '"images"' in repo
    assert s3.startswith("input.pfs.s3 ")


@pytest.mark.parametrize("text", [OLD_DOCUMENT, S3_DOCUMENT], ids=["1.2", "s3"])
def test_the_normalised_document_loads_to_the_same_spec_without_warnings(text: str) -> None:
    loaded = load_text(text)

    [again] = load_specs(loaded.document)

    assert again.spec == loaded.spec
    assert again.warnings == ()
    assert again.document == loaded.document


def test_a_spec_loads_from_path_text_mapping_file_and_bytes(tmp_path: Path) -> None:
    text = json.dumps(document())
    path = tmp_path / "edges.json"
    path.write_text(text)
    sources = [
        str(path),
        path,
        text,
        document(),
        [document()],
        io.StringIO(text),
        io.BytesIO(text.encode()),
    ]

    specs = [load_specs(source)[0].spec for source in sources]  # type: ignore[arg-type]  # a list of all

    assert all(spec == specs[0] for spec in specs)


def test_both_spellings_of_a_field_mean_the_same() -> None:
    snake = load(datum_tries=5, s3_out=True, input=pfs(glob="/", empty_files=True))
    camel = load(datumTries=5, s3Out=True, input=pfs(glob="/", emptyFiles=True))

    assert snake.spec == camel.spec


def test_a_field_in_both_spellings_is_refused() -> None:
    with pytest.raises(RefusedError, match="datum_tries is given twice"):
        load(datum_tries=5, datumTries=5)


def test_flags_of_the_request_are_no_part_of_the_spec() -> None:
    loaded = load(update=True, reprocess="true", dryRun=False)

    assert (loaded.update, loaded.reprocess, loaded.dry_run) == (True, True, False)
    assert loaded.spec == load().spec
    assert "update" not in loaded.document


def test_an_error_names_file_spec_pipeline_and_field() -> None:
    good, bad = document(), document(pipeline={"name": "montage"}, datum_tries=0)
    file = io.StringIO(json.dumps(good) + "\n" + json.dumps(bad))
    file.name = "specs.json"

    with pytest.raises(RefusedError) as caught:
        load_specs(file)

    assert str(caught.value) == (
        "specs.json, spec 2: pipeline montage: datum_tries is 0, but has to be at least 1"
    )
    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert caught.value.fields == {
        "field": "datum_tries",
        "source": "specs.json, spec 2",
        "pipeline": "montage",
    }


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        ("", None),
        ("python:3.12", None),
        ("localhost:5000/x:1", None),
        ("x@sha256:00", None),
        ("python", "no tag"),
        ("localhost:5000/x", "no tag"),
        ("python:latest", "the tag latest"),
    ],
)
def test_an_image_that_may_change_gets_a_hint_but_no_warning(image: str, hint: str | None) -> None:
    loaded = load(transform={"cmd": ["x"], "image": image})

    assert loaded.warnings == ()
    assert [hint in each for each in loaded.hints if hint] == ([True] if hint else [])


def test_one_worker_per_node_becomes_the_number_of_nodes() -> None:
    [loaded] = load_specs(document(parallelism_spec={"coefficient": 0.5}), n_nodes=5)

    assert loaded.spec.parallelism == 3
