"""What is rendered, judged by a server with Argo's full definitions; and bad surroundings."""

import subprocess
import sys
from pathlib import Path

import pytest

from pfs_provider.pfs import Pfs
from tests.argo import Argo
from tests.cluster import Cluster
from tests.e2e.argo.test_pipeline import EDGES, put_images

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = [".", "access", "namespace", "cluster", "catch-up"]
STATUS = "pods --subresource=status"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_server_takes_every_folder(cluster: Cluster, namespace: str, folder: str) -> None:
    text = cluster.kubectl("kustomize", str(ROOT / "argo_templates" / folder))

    # Strict: a key that the definitions do not have is an error, not dropped.
    said = cluster.kubectl(
        *("create", "-n", namespace, "--dry-run=server", "--validate=strict", "-f", "-"), given=text
    )

    assert said.count("created (server dry run)") == text.count("\nkind: ")


def test_a_kustomization_names_the_image_everywhere(cluster: Cluster, tmp_path: Path) -> None:
    script = ROOT / "tools" / "argo_templates.py"
    subprocess.run(
        [sys.executable, script, tmp_path / "base"],
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [base]\nimages: [{name: pfs-provider, newName: r.example.org/p, newTag: '2'}]\n"
    )

    text = cluster.kubectl("kustomize", str(tmp_path))

    assert "pfs-provider:" not in text
    assert text.count("r.example.org/p:2") > 10


@pytest.mark.parametrize(
    ("account", "may"),
    [
        (
            "pfs-workflow",
            {
                *(
                    "create workflowtaskresults.argoproj.io",
                    "patch workflowtaskresults.argoproj.io",
                ),
                *("list pods", "delete pods", "list events", f"patch {STATUS}"),
                *(f"{verb} jobs.batch" for verb in ("create", "get", "list", "patch", "delete")),
            },
        ),
        ("pfs-submitter", {"create workflows.argoproj.io"}),
    ],
)
def test_an_account_may_do_what_it_needs_and_no_more(
    cluster: Cluster, namespace: str, account: str, may: set[str]
) -> None:
    cluster.kubectl("apply", "-n", namespace, "-k", str(ROOT / "argo_templates" / "access"))
    user = f"--as=system:serviceaccount:{namespace}:{account}"
    verbs = ("create", "get", "list", "watch", "patch", "update", "delete")
    kinds = ("workflows.argoproj.io", "workflowtaskresults.argoproj.io", "jobs.batch")
    core = ("pods", STATUS, "events", "secrets")
    asked = [f"{verb} {kind}" for kind in (*kinds, *core) for verb in verbs]

    allowed = {
        text
        for text in asked
        if cluster.kubectl("auth", "can-i", *text.split(), "-n", namespace, user, check=False)
        == "yes\n"
    }

    assert allowed == may


def test_a_missing_secret_is_named_at_once(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline(EDGES)
    change = put_images(pfs, "a")
    argo.cluster.kubectl("delete", "secret", "pfs-catalog", "-n", argo.namespace)

    argo.submit("lost", "pfs-pipeline", pipeline="edges")
    status = argo.wait("lost")

    assert status["phase"] == "Failed"
    assert "PFS_CATALOG not set" in argo.tell(status)
    assert pfs.inspect_job(f"edges@{change}").state == "starting"


def test_a_missing_role_fails_the_workflow_and_leaves_no_pod_at_work(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline(EDGES)
    put_images(pfs, "a")
    argo.cluster.kubectl("delete", "rolebinding", "pfs-workflow", "-n", argo.namespace)

    argo.submit("forbidden", "pfs-pipeline", pipeline="edges")
    status = argo.wait("forbidden")

    assert status["phase"] in {"Failed", "Error"}
    assert "workflowtaskresults" in argo.tell(status)
    assert {pod["status"]["phase"] for pod in argo.pods()} <= {"Succeeded", "Failed"}


def test_a_template_of_the_whole_cluster_runs_in_any_namespace(argo: Argo, pfs: Pfs) -> None:
    pfs.create_repo("images")
    pfs.create_pipeline(EDGES)
    change = put_images(pfs, "a")

    with argo.cluster_templates():
        argo.submit("wide", "pfs-pipelines", cluster=True, change=change)
        status = argo.wait("wide")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert pfs.read_file("edges@master:/a") == b"A\n"
