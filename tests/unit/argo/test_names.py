import re

from pfs_provider.argo.names import (
    change_workflow_name,
    job_workflow_name,
    owner_name,
    owner_scope,
    workflow_labels,
)
from pfs_provider.refs.names import PipelineKey

JOB = "0123456789abcdef" * 2


def test_a_workflows_name_is_legal_short_and_of_one_job() -> None:
    keys = [PipelineKey(project, name) for project in ("p", "q") for name in ("A_b", "a" * 60, "_")]
    names = [job_workflow_name(key, JOB) for key in keys]

    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) for name in names)
    assert all(len(name) <= 46 for name in names)
    assert len(set(names)) == len(names)
    assert job_workflow_name(keys[0], JOB) == names[0]
    assert change_workflow_name(JOB) == f"pfs-{JOB}"


def test_an_owner_is_of_one_workflow_and_its_namespace() -> None:
    assert owner_name("n", "u").startswith(owner_scope("n"))
    assert not owner_name("nn", "u").startswith(owner_scope("n"))


def test_labels_find_workflows_by_pipeline_and_change() -> None:
    assert workflow_labels(PipelineKey("p", "edges"), JOB) == {
        "app.kubernetes.io/managed-by": "pfs-provider",
        "pfs.change": JOB,
        "pfs.project": "p",
        "pfs.pipeline": "edges",
    }
    assert "pfs.pipeline" not in workflow_labels(None, JOB)
