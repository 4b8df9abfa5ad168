"""What is said of pipelines that stand."""

import logging

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.standing_rules import refuse_standing, warn_of_standing
from pfs_provider.refs.names import PipelineKey
from tests.pfs_world import PfsWorld

WEB = PipelineKey("default", "web")


def test_only_what_stands_is_refused() -> None:
    refuse_standing(WEB, {})

    with pytest.raises(RefusedError, match="web is a service: it is kept up by") as caught:
        refuse_standing(WEB, {WEB: "service"})
    assert caught.value.code == ErrorCode.PIPELINE_STANDS


def test_each_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_standing({WEB: "service", PipelineKey("default", "tap"): "spout"})

    said = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[0] for line in said] == [
        "pipeline tap is a spout",
        "pipeline web is a service",
    ]


def test_every_way_to_a_job_refuses_a_pipeline_that_stands(world: PfsWorld) -> None:
    document = {"pipeline": {"name": "tap"}, "transform": {"cmd": ["x"]}, "spout": {}}
    world.pfs.create_pipeline(document)

    for act in (
        lambda: world.pfs.run("tap"),
        lambda: world.pfs.claim_job("tap", owner="me"),
        lambda: world.pfs.begin_job("tap", owner="me"),
    ):
        with pytest.raises(RefusedError) as caught:
            act()
        assert caught.value.code == ErrorCode.PIPELINE_STANDS
