"""The settings of a cluster as one value."""

from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.k8s.cluster import make_cluster


def test_one_image_is_all_that_has_to_be_said() -> None:
    cluster = make_cluster({"worker_image": "pfs:1", "context": None})

    assert (cluster.namespace, cluster.security) == ("default", "baseline")
    assert cluster.store_secret is None


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "k8s_worker_image"),
        ({"worker_image": "x", "nam": "space"}, "k8s_nam"),
        ({"worker_image": "x", "image_pull_policy": "Sometimes"}, "IfNotPresent"),
        ({"worker_image": "x", "security": "none"}, "restricted"),
        ({"worker_image": "x", "start_timeout_s": 0}, "k8s_start_timeout_s"),
        ({"worker_image": "x", "max_workers": 0}, "k8s_max_workers"),
        ({"worker_image": "x", "ttl_s": -1}, "k8s_ttl_s"),
        ({"worker_image": "x", "metrics_port": 80}, "k8s_metrics_port"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(RefusedError, match=named) as raised:
        make_cluster(values)

    assert raised.value.code == ErrorCode.SETTINGS_ILLEGAL
