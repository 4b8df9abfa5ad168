import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import DatumSets, Metadata, SchedulingSpec, Toleration
from pfs_provider.spec.shapes import write_spec
from tests.unit.spec.examples import load, pfs

# Every field of the 2.x spec that has an effect, with a value that is not its default.
EVERYTHING: dict[str, object] = {
    "pipeline": {"name": "edges", "project": "vision"},
    "description": "finds edges",
    "metadata": {"annotations": {"a": "1"}, "labels": {"b": "2"}},
    "transform": {"cmd": ["x"], "image": "python:3.12"},
    "parallelism_spec": {"constant": 4},
    "input": {"cross": [pfs("a"), pfs("b", "/", project="other")]},
    "output_branch": "v1",
    "resource_requests": {"cpu": 0.5, "memory": "64M", "disk": "1Gi"},
    "resource_limits": {"cpu": 1, "gpu": {"type": "nvidia.com/gpu", "number": 1}},
    "sidecar_resource_requests": {"memory": "1G"},
    "sidecar_resource_limits": {"memory": "2G"},
    "datum_set_spec": {"number": 10, "size_bytes": 1000},
    "datum_timeout": "90s",
    "datum_tries": 5,
    "job_timeout": "1h",
    "reprocess_spec": "every_job",
    "reprocess_on_code_change": False,
    "output_conflict": "concat",
    "salt": "x",
    "scheduling_spec": {"node_selector": {"disk": "ssd"}, "priority_class_name": "high"},
    "tolerations": [{"key": "gpu", "operator": "EXISTS", "effect": "NO_SCHEDULE"}],
    "pod_spec": '{"hostNetwork": true}',
    "pod_patch": "[]",
}


def test_every_field_is_read() -> None:
    loaded = load(**EVERYTHING)
    spec = loaded.spec

    assert loaded.warnings == ()
    assert spec.key == PipelineKey("vision", "edges")
    assert spec.metadata == Metadata(annotations={"a": "1"}, labels={"b": "2"})
    assert (spec.datum_timeout_s, spec.datum_tries, spec.job_timeout_s) == (90.0, 5, 3600.0)
    assert spec.datum_set == DatumSets(number=10, size_bytes=1000)
    assert (spec.reprocess_spec, spec.output_conflict) == ("every_job", "concat")
    assert spec.tolerations == (Toleration(key="gpu", operator="Exists", effect="NoSchedule"),)
    assert spec.scheduling_spec == SchedulingSpec(
        node_selector={"disk": "ssd"}, priority_class_name="high"
    )
    assert spec.resource_limits.gpu is not None


def test_every_field_is_written_and_reads_back() -> None:
    loaded = load(**EVERYTHING)

    assert set(loaded.document) == set(EVERYTHING)
    assert load_specs(loaded.document)[0].spec == loaded.spec


def test_a_small_spec_is_written_small() -> None:
    assert set(write_spec(load().spec)) == {"pipeline", "transform", "input"}


def test_a_project_may_be_an_object() -> None:
    spec = load(pipeline={"name": "edges", "project": {"name": "vision"}}).spec

    assert spec.key == PipelineKey("vision", "edges")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("autoscaling", True),
        ("determined", {"workspaces": ["a"]}),
        ("maximum_expected_uptime", "1h"),
        ("transform", {"cmd": ["x"], "dockerfile": "D"}),
        ("transform", {"cmd": ["x"], "debug": True}),
    ],
)
def test_a_known_field_without_effect_warns_and_names_itself(name: str, value: object) -> None:
    [warning] = load(**{name: value}).warnings

    assert warning.startswith(name)
    assert "has no effect" in warning


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipeline": None}, "pipeline is missing: name it"),
        ({"pipeline": "edges"}, 'pipeline is the text "edges"'),
        ({"pipeline": {}}, "pipeline.name is missing"),
        ({"pipeline": {"name": "a.b"}}, "pipeline.name: pipeline name 'a.b' is illegal"),
        ({"pipeline": {"name": "a" * 52}}, "52 characters, at most 51"),
        ({"pipeline": {"name": "a", "project": "b c"}}, "pipeline.project: project name"),
        ({"transform": None}, "transform is missing"),
        ({"transform": {"image": "x"}}, "transform.cmd is missing"),
        ({"transform": {"cmd": "python x"}}, "transform.cmd is the text"),
        ({"input": None}, "input is missing"),
        ({"spout": {}}, "input is not for a spout"),
        ({"tf_job": {}}, "tf_job is not supported"),
        ({"reprocess_spec": "never"}, "one of until_success, every_job"),
        ({"datum_timeout": "soon"}, "datum_timeout is the text"),
        ({"parallelism_spec": {"constant": "-1"}}, "parallelism_spec.constant is -1"),
        ({"pod_patch": "{"}, "pod_patch is not JSON"),
        ({"resource_limits": {"gpu": {"number": 1}}}, "resource_limits.gpu.type is missing"),
    ],
)
def test_a_wrong_field_is_refused_by_its_path(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        load(**changes)

    assert message in str(caught.value)
