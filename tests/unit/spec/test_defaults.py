import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.errors import RefusedError
from pfs_provider.spec.defaults import merge_patch, read_defaults
from pfs_provider.spec.load import load_specs
from tests.unit.spec.examples import Document, document


# The table of RFC 7396, appendix A, as far as both sides are objects.
@pytest.mark.parametrize(
    ("below", "above", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_is_that_of_json_merge_patch(below: object, above: object, merged: object) -> None:
    before = json.dumps([below, above])

    assert merge_patch(below, above) == merged
    assert json.dumps([below, above]) == before


TREES = st.recursive(
    st.one_of(st.none(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
).filter(lambda tree: isinstance(tree, dict))


@given(TREES, TREES)
def test_merging_again_changes_nothing(below: object, above: object) -> None:
    once = merge_patch(below, above)

    assert merge_patch(once, above) == once
    assert merge_patch({}, once) == once


def _loaded(spec: Document, *layers: Document) -> dict[str, object]:
    [loaded] = load_specs(spec, defaults=lambda _: layers)
    return loaded.document


def test_a_spec_stands_above_the_defaults() -> None:
    cluster: Document = {"datum_tries": 5, "resource_requests": {"cpu": 1, "memory": "1G"}}
    project: Document = {"datum_tries": 7}

    assert _loaded(document(), cluster, project)["datum_tries"] == 7
    made = _loaded(document(resourceRequests={"cpu": 2}), cluster)
    assert made["resource_requests"] == {"cpu": "2", "memory": "1G"}
    made = _loaded({**document(datumTries=3), "resource_requests": None}, cluster)
    assert "resource_requests" not in made
    assert "datum_tries" not in made  # 3 is what nobody has to say


def test_null_takes_a_default_away_and_is_kept_as_written() -> None:
    spec = {**document(), "datum_timeout": None}

    [loaded] = load_specs(spec, defaults=lambda _: [{"datum_timeout": "1h"}])

    assert loaded.spec.datum_timeout_s is None
    assert loaded.written["datum_timeout"] is None


def test_both_spellings_meet_at_any_depth() -> None:
    made = _loaded(
        document(transform={"cmd": ["x"], "imagePullSecrets": ["mine"], "env": {"imgTag": "1"}}),
        {"transform": {"image_pull_secrets": ["theirs"], "env": {"img_tag": "2"}}},
    )

    assert made["transform"] == {
        "cmd": ["x"],
        "image_pull_secrets": ["mine"],
        "env": {"imgTag": "1", "img_tag": "2"},
    }


def test_older_shapes_meet_modern_defaults() -> None:
    assert "parallelism_spec" not in _loaded(document(parallelism="1"), {"parallelism_spec": 3})


def test_the_project_decides_which_defaults_there_are() -> None:
    asked: list[str] = []

    def defaults(project: str) -> list[dict[str, object]]:
        asked.append(project)
        return [{"transform": {"cmd": ["from", project]}}]

    [loaded] = load_specs(
        document(pipeline={"name": "e", "project": {"name": "lab"}}, transform={}),
        defaults=defaults,
    )

    assert asked == ["lab"]
    assert loaded.spec.transform.cmd == ("from", "lab")


def test_a_clash_with_a_default_says_where_it_may_come_from() -> None:
    with pytest.raises(RefusedError) as caught:
        _loaded(document(s3_out=True), {"service": {"internal_port": 80}})

    assert str(caught.value) == (
        "pipeline edges: s3_out cannot be true for a service: leave it out "
        "(with the defaults: see `pfs inspect defaults`)"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"datumTries": "5"},
        {"createPipelineRequest": {"datum_tries": 5}},
        {"create_pipeline_request": {"datum_tries": "5", "datum_timeout": None}},
    ],
)
def test_defaults_are_read_in_both_forms(given: dict[str, object]) -> None:
    made, warnings = read_defaults(given)

    assert load_specs(document(), defaults=lambda _: [made])[0].spec.datum_tries == 5
    assert warnings == ()


def test_no_defaults_are_fine() -> None:
    assert read_defaults({}) == ({}, ())
    assert read_defaults({"create_pipeline_request": None}) == ({}, ())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pipeline": {"name": "x"}}, "pipeline cannot have a default: each pipeline"),
        ({"input": {}}, "input cannot have a default"),
        ({"inputs": [{"repo": {"name": "a"}}]}, "input cannot have a default"),
        ({"update": True}, "update cannot have a default: it is asked for once"),
        ({"datumTrys": 5}, "datumTrys is no known field: did you mean 'datumTries'?"),
        ({"datum_tries": "many"}, "datum_tries is the text"),
        ({"egress": {}}, "egress wants exactly one"),
        ({"create_pipeline_request": [1]}, "create_pipeline_request holds no object"),
        ([{}, {}], "holds 2 documents"),
    ],
)
def test_wrong_defaults_are_refused_with_their_field(given: object, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_defaults(given)  # type: ignore[arg-type]  # a mapping, or a list of some

    assert message in str(caught.value)
