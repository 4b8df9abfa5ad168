import pytest

from pfs_provider.errors import RefusedError
from pfs_provider.spec.legacy import LEGACY_FIELDS, modernise
from pfs_provider.spec.model import DatumSets, Egress, Gpu, Resources
from pfs_provider.spec.spots import Notes, Spot
from tests.unit.spec.examples import document, load, pfs


def test_what_is_modern_stays_as_it_is_and_unchanged() -> None:
    notes, given = Notes(), document(parallelism_spec={"constant": 2})
    known = set(given)

    made = modernise(given, Spot("", notes), known=known)

    assert made == given
    assert notes.warnings == []


@pytest.mark.parametrize(
    ("given", "workers"),
    [
        ({"parallelism": 4}, 4),
        ({"parallelism": "4"}, 4),
        ({"parallelism": 0}, 1),
        ({"parallelism_spec": {"strategy": "CONSTANT", "constant": 3}}, 3),
        ({"parallelismSpec": {"strategy": "COEFFICIENT", "coefficient": 2}}, 2),
        ({"parallelism_spec": {"coefficient": "0.5"}}, 1),
        ({"parallelism_spec": {"constant": "0"}}, 1),
    ],
)
def test_every_older_parallelism_becomes_a_constant(given: dict[str, object], workers: int) -> None:
    loaded = load(**given)

    assert loaded.spec.parallelism == workers
    assert len(loaded.warnings) == 1
    assert '"constant"' in loaded.warnings[0]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"parallelism": 4, "parallelism_spec": {"constant": 4}}, "old and its new form"),
        ({"parallelism": "many"}, "parallelism is the text"),
        ({"parallelism_spec": {"constant": 1, "coefficient": 1}}, "both constant and coefficient"),
        ({"parallelism_spec": {"coefficient": "x"}}, "a number above 0"),
        ({"parallelism_spec": {"coefficient": -1}}, "a number above 0"),
        ({"inputs": [{"repo": "a"}]}, "old and its new form"),
        ({"output": "s3://x"}, '"egress"'),
        ({"enable_stats": True, "s3_out": True}, "cannot be true with s3_out"),
    ],
)
def test_contradictions_and_wrong_values_are_refused(given: dict[str, object], why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        load(**given)

    assert why in str(caught.value)


@pytest.mark.parametrize("name", sorted(LEGACY_FIELDS))
def test_a_field_that_is_gone_is_left_out_with_a_warning(name: str) -> None:
    loaded = load(**{name: {"x": 1}})

    assert loaded.spec == load().spec
    assert loaded.warnings == (f"{name} is left out: {LEGACY_FIELDS[name]}",)


def test_renamed_fields_are_read_under_their_new_name() -> None:
    loaded = load(
        chunk_spec={"number": 3},
        resource_spec={"memory": "1G"},
        output={"URL": "s3://x"},
        transform={"cmd": ["x"], "overwrite": True},
        enable_stats="false",
    )

    assert loaded.spec.datum_set == DatumSets(number=3)
    assert loaded.spec.resource_requests == Resources(memory="1G")
    assert loaded.spec.egress == Egress(url="s3://x")
    names = {warning.split()[0] for warning in loaded.warnings}
    assert names >= {"chunk_spec", "resource_spec", "output", "transform.overwrite", "enable_stats"}


@pytest.mark.parametrize("given", [1, "1"], ids=["number", "text"])
def test_a_number_of_gpus_gets_the_type_that_it_had(given: object) -> None:
    loaded = load(resource_limits={"memory": "1G", "gpu": given})

    assert loaded.spec.resource_limits == Resources(
        memory="1G", gpu=Gpu(type="nvidia.com/gpu", number=1)
    )
    assert '"gpu": {"type": "nvidia.com/gpu", "number": 1}' in loaded.warnings[0]
    assert load(resource_limits={"gpu": 0}).spec.resource_limits == Resources()


def test_the_key_that_editors_look_for_is_no_field() -> None:
    loaded = load(**{"$schema": "pipeline-spec.schema.json"})

    assert (loaded.spec, loaded.warnings) == (load().spec, ())


def test_a_build_is_left_out_of_the_transform() -> None:
    [warning] = load(transform={"cmd": ["x"], "build": {"path": "."}}).warnings

    assert warning.startswith("transform.build is of older versions and is left out")
    assert load(transform={"cmd": ["x"], "build": None}).warnings == ()


def test_standby_becomes_autoscaling() -> None:
    assert load(standby=True).spec.autoscaling


def test_a_field_in_two_older_spellings_is_refused() -> None:
    with pytest.raises(RefusedError, match="max_queue_size is given twice"):
        load(max_queue_size=1, maxQueueSize=1)


def test_an_unknown_field_keeps_its_spelling_in_the_error() -> None:
    with pytest.raises(
        RefusedError, match="datumTrys is no known field: did you mean 'datumTries'"
    ):
        load(datumTrys=3)


def test_several_old_inputs_are_a_cross() -> None:
    old = [{"repo": {"name": "a"}, "method": "map"}, {"repo": {"name": "b"}, "method": "global"}]

    loaded = load(input=None, inputs=old)

    assert loaded.spec.input == load(input={"cross": [pfs("a"), pfs("b", "/")]}).spec.input
