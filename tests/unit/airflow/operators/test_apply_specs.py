from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.airflow.operators.apply_specs import PfsApplySpecsOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.specs import spec


def _apply(*specs: Any, repos: tuple[str, ...] = ("images",)) -> list[str]:
    operator = PfsApplySpecsOperator(task_id="specs", specs=specs, repos=repos)
    return operator.execute(task_context())


def _versions(home: Path) -> dict[str, int]:
    with Pfs(home=home) as pfs:
        return {info.name: info.version for info in pfs.list_pipelines()}


def test_what_is_missing_is_created_and_again_nothing_is_done(pfs_home: Path) -> None:
    specs = [spec("a", "images"), spec("b", "a")]

    assert _apply(*specs) == ["a", "b"]
    assert _apply(*specs) == []
    assert _versions(pfs_home) == {"a": 1, "b": 1}


def test_a_spec_that_changed_makes_a_version_of_that_pipeline_alone(pfs_home: Path) -> None:
    _apply(spec("a", "images"), spec("b", "a"))

    assert _apply(spec("a", "images", description="new"), spec("b", "a")) == ["a"]
    assert _versions(pfs_home) == {"a": 2, "b": 1}


def test_a_pipeline_that_was_reprocessed_has_not_changed(pfs_home: Path) -> None:
    _apply(spec("a", "images"))
    with Pfs(home=pfs_home) as pfs:
        pfs.rerun_pipeline("a", reprocess=True)

    assert _apply(spec("a", "images")) == []


def test_defaults_that_change_make_no_version(pfs_home: Path) -> None:
    _apply(spec("a", "images"))
    with Pfs(home=pfs_home) as pfs:
        pfs.update_defaults({"datum_tries": 7})

    assert _apply(spec("a", "images")) == []


def test_braces_in_a_spec_are_no_template(pfs_home: Path) -> None:
    braces = spec("a", "images", transform={"cmd": ["echo", "{{ ds }}"]})

    _apply(braces)

    assert PfsApplySpecsOperator.template_fields == ()
    with Pfs(home=pfs_home) as pfs:
        assert pfs.pipeline_spec("a")["transform"]["cmd"] == ["echo", "{{ ds }}"]


def test_all_are_applied_or_none(pfs_home: Path) -> None:
    with pytest.raises(AirflowException, match="nowhere"):
        _apply(spec("a", "images"), spec("b", "nowhere"))

    assert _versions(pfs_home) == {}


def test_a_bad_spec_fails_for_good() -> None:
    with pytest.raises(AirflowFailException, match="spec-illegal"):
        _apply(spec("a", "images", datum_tries="many"))
