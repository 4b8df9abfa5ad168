"""An account with exactly the Role of deploy/ runs jobs; with one verb less the error names it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.k8s.rights import needed_rights
from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.cluster_jobs import check_outcome, copy_spec, put_numbers
from tests.deployments import of_kind, render_overlay

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]

NAME = "launcher"
Login = Callable[[list[dict[str, Any]]], dict[str, Any]]


def _rules() -> list[dict[str, Any]]:
    roles = of_kind(render_overlay("external", ["job-secrets"]), "Role")
    (role,) = (each for each in roles if each["metadata"]["name"] == "pfs-launcher")
    rules: list[dict[str, Any]] = role["rules"]
    return rules


@pytest.fixture
def login(cluster: Cluster, options: dict[str, Any], tmp_path: Path) -> Login:
    """Give an account these rules, and return the options by which one is that account."""

    def make(rules: list[dict[str, Any]]) -> dict[str, Any]:
        namespace = options["namespace"]
        metadata = {"name": NAME, "namespace": namespace}
        group = "rbac.authorization.k8s.io"
        objects = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": NAME},
                "subjects": [{"kind": "ServiceAccount", **metadata}],
            },
        ]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        cluster.kubectl("apply", "-f", "-", given=listed)
        token = cluster.kubectl("create", "token", NAME, "-n", namespace).strip()
        config = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json"))
        config["users"] = [{"name": NAME, "user": {"token": token}}]
        for context in config["contexts"]:
            context["context"]["user"] = NAME
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        return options | {"kubeconfig": str(path)}

    return make


def test_the_role_of_deploy_is_all_that_jobs_need(cluster: Cluster, pfs: Pfs, login: Login) -> None:
    options = login(_rules())
    put_numbers(pfs, 8)
    pfs.create_pipeline(copy_spec(workers=6))

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    check_outcome(pfs, cluster, options["namespace"], job, 8)


@pytest.mark.parametrize(
    "right", needed_rights(own_secret=True), ids=lambda right: f"{right[2]}-{right[1]}"
)
def test_a_verb_that_is_taken_away_is_named_before_any_pod_starts(
    cluster: Cluster, pfs: Pfs, login: Login, right: tuple[str, str, str]
) -> None:
    _, resource, verb = right
    rules = copy.deepcopy(_rules())
    for rule in rules:
        if resource in rule["resources"]:
            rule["verbs"] = [name for name in rule["verbs"] if name != verb]
    options = login([rule for rule in rules if rule["verbs"]])
    put_numbers(pfs, 1)
    pfs.create_pipeline(copy_spec())

    with pytest.raises(UnavailableError, match=f"to {verb} {resource} in the") as raised:
        pfs.run(launcher="kubernetes", cluster=options)

    assert raised.value.code == ErrorCode.CLUSTER_FORBIDDEN
    job = pfs.list_jobs("up")[0]
    assert (job.state, job.reason) == ("starting", str(raised.value))
    assert cluster.get("jobs", options["namespace"]) == []


def test_credentials_that_have_run_out_are_told(
    pfs: Pfs, login: Login, options: dict[str, Any], tmp_path: Path
) -> None:
    path = Path(login(_rules())["kubeconfig"])
    config = json.loads(path.read_text())
    config["users"][0]["user"]["token"] = "expired"
    path.write_text(json.dumps(config))
    put_numbers(pfs, 1)
    pfs.create_pipeline(copy_spec())

    with pytest.raises(UnavailableError, match="does not know who asks"):
        pfs.run(launcher="kubernetes", cluster=options | {"kubeconfig": str(path)})
