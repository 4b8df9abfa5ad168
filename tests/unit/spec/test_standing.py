from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.spec.load import load_specs

READ = {"pfs": {"repo": "in", "glob": "/"}}
SERVICE: dict[str, Any] = {"service": {"internal_port": 80}, "input": READ}
SPOUT: dict[str, Any] = {"spout": {}}


def _document(more: dict[str, Any]) -> dict[str, Any]:
    return {"pipeline": {"name": "x"}, "transform": {"cmd": ["x"]}, **more}


@pytest.mark.parametrize(
    ("more", "path", "words"),
    [
        ({}, "input", "say what to read"),
        ({**SPOUT, "input": READ}, "input", "is not for a spout"),
        ({"service": {}, "input": READ}, "service.internal_port", "name the port"),
        ({"service": {"internal_port": 70000}, "input": READ}, "service.internal_port", "65535"),
        ({**SPOUT, "s3_out": True}, "s3_out", "cannot be true for a spout"),
        ({**SERVICE, "s3_out": True}, "s3_out", "cannot be true for a service"),
        ({**SPOUT, "autoscaling": True}, "autoscaling", "spout"),
        (
            {**SERVICE, "parallelism_spec": {"constant": 2}},
            "parallelism_spec.constant",
            "has to be 1",
        ),
        ({**SPOUT, "service": {"internal_port": 80}}, "service", '"spout": {"service"'),
        ({"spout": {"marker": "a/b"}}, "spout.marker", "the name of a file in /pfs"),
        ({"spout": {"marker": "out"}}, "spout.marker", "the name of a file in /pfs"),
        ({"spout": {"servce": {}}}, "spout.servce", "did you mean 'service'"),
    ],
)
def test_what_cannot_stand_is_refused(more: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        load_specs(_document(more))
    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert path in str(caught.value)


def test_a_spout_is_read_and_written_without_input() -> None:
    document = _document({"spout": {"service": {"internalPort": "80"}}})

    [loaded] = load_specs(document)

    assert loaded.warnings == ()
    assert loaded.spec.kind == "spout"
    assert loaded.spec.listens is not None
    assert loaded.spec.listens.internal_port == 80
    assert "input" not in loaded.document
    assert load_specs(loaded.document)[0].spec == loaded.spec


def test_what_ends_or_counts_tries_is_named_as_without_effect() -> None:
    more = {**SERVICE, "job_timeout": "1s", "datum_timeout": "1s"}
    transform = {"cmd": ["x"], "err_cmd": ["y"], "accept_return_code": [1]}

    [loaded] = load_specs(_document({**more, "transform": transform}))

    assert len(loaded.warnings) == 4
    assert all("has no effect: the command of a service is kept up" in w for w in loaded.warnings)


@pytest.mark.parametrize("old", [{"overwrite": False}, {"marker": "m"}])
def test_a_spout_of_the_older_kind_is_taken_with_a_warning(old: dict[str, Any]) -> None:
    [loaded] = load_specs(_document({"spout": old}))
    [today] = load_specs(_document({"spout": {}}))

    assert "write tar archives into /pfs/out: they are taken" in loaded.warnings[0]
    assert loaded.document["spout"] == old
    assert loaded.spec.spout is not None
    assert today.spec.spout is not None
    assert (loaded.spec.spout.is_old, today.spec.spout.is_old) == (True, False)


@pytest.mark.parametrize("inside", ["service", "spout"])
def test_what_is_for_a_cluster_is_named_as_without_effect(inside: str) -> None:
    listens = {"internal_port": 80, "external_port": 30080, "annotations": {"a": "b"}}
    more = {"spout": {"service": listens}} if inside == "spout" else {**SERVICE, "service": listens}

    [loaded] = load_specs(_document(more))

    where = "spout.service" if inside == "spout" else "service"
    told = [warning.split(" has no effect: it is served")[0] for warning in loaded.warnings]
    assert told == [f"{where}.external_port", f"{where}.annotations"]
