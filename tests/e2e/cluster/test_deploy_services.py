"""The overlay with-services at work: PostgreSQL, MinIO and the scheduler, all on the cluster."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import USER_IMAGE, Cluster
from tests.deployments import KUSTOMIZE, Object, as_yaml, of_kind, renamed, render_with
from tests.service_images import service_images

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WAIT_S = 240
SPEC = {
    "pipeline": {"name": "upper"},
    "input": {"pfs": {"repo": "words", "glob": "/*"}},
    "transform": {
        "cmd": ["sh"],
        "stdin": ['for f in /pfs/words/*; do tr a-z A-Z < "$f" > "/pfs/out/${f##*/}"; done'],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """The overlay in two namespaces of its own."""

    cluster: Cluster
    workers: str
    system: str

    def pfs(self, *arguments: str, given: str | None = None) -> str:
        """Run ``pfs`` beside the scheduler, as the how-to says."""
        command = ("exec", "-i", "-n", self.system, "deploy/pfs-scheduler", "--", "pfs")
        return self.cluster.kubectl(*command, *arguments, given=given)

    def wait_for(self, *what: str) -> None:
        done = subprocess.run(
            ["kubectl", f"--kubeconfig={self.cluster.kubeconfig}", "-n", self.system, *what,
             f"--timeout={WAIT_S}s"],
            capture_output=True, text=True, timeout=WAIT_S + 60, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            seen = self.cluster.kubectl("get", "all,events", "-n", self.system, check=False)
            pytest.fail(f"{' '.join(what)}: {done.stderr}\n{seen[-6000:]}")


@pytest.fixture(scope="module")
def deployed(cluster: Cluster, image: str) -> Iterator[Deployed]:
    name = f"pfs-deploy-{uuid.uuid4().hex[:8]}"
    found = Deployed(cluster=cluster, workers=name, system=f"{name}-system")
    objects = renamed(_overlay(image), workers=found.workers, system=found.system)
    spaces = of_kind(objects, "Namespace")
    cluster.kubectl("apply", "--server-side", "-f", "-", given=as_yaml(spaces))
    try:
        _make_secrets(found)
        cluster.kubectl("apply", "--server-side", "-f", "-", given=as_yaml(objects))
        for part in ("statefulset/postgres", "statefulset/minio", "deployment/pfs-scheduler"):
            found.wait_for("rollout", "status", part)
        yield found
    finally:
        cluster.kubectl("delete", "namespace", found.workers, found.system, "--wait=false")


def test_minio_gets_an_account_that_may_not_delete(deployed: Deployed) -> None:
    """Nothing is deleted by pfs, so nobody can use its account to delete."""
    program = (
        "import os, obstore\n"
        "from obstore.store import S3Store\n"
        "from urllib.parse import urlsplit, parse_qs\n"
        "url = urlsplit(os.environ['PFS_STORE'])\n"
        "given = {name: value[0] for name, value in parse_qs(url.query).items()}\n"
        "store = S3Store(url.netloc, client_options={'allow_http': True}, **given)\n"
        "obstore.put(store, 'probe', b'x')\n"
        "obstore.delete(store, 'probe')\n"
    )
    deployed.wait_for("rollout", "status", "deployment/pfs-scheduler")

    done = subprocess.run(
        ["kubectl", f"--kubeconfig={deployed.cluster.kubeconfig}", "-n", deployed.system,
         "exec", "deploy/pfs-scheduler", "--", "python", "-c", program],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "AccessDenied" in done.stderr or "403" in done.stderr


def test_a_file_from_outside_becomes_a_commit_of_the_pipeline(deployed: Deployed) -> None:
    deployed.pfs("create", "repo", "words")
    deployed.pfs("create", "pipeline", "-f", "-", given=json.dumps(SPEC))

    deployed.pfs("put", "file", "words@master:/hello", "-f", "-", given="hello")

    deployed.pfs("wait", "commit", "upper@master")
    assert deployed.pfs("get", "file", "upper@master:/hello") == "HELLO"
    (job,) = [json.loads(line) for line in deployed.pfs("list", "job", "-o", "json").splitlines()]
    assert (job["state"], job["processed"]) == ("success", 1)
    jobs = deployed.cluster.get("jobs", deployed.workers)
    assert len(jobs) == 1


def test_data_and_scheduler_outlive_a_restart_of_everything(deployed: Deployed) -> None:
    deployed.pfs("create", "repo", "kept")
    deployed.pfs("put", "file", "kept@master:/a", "-f", "-", given="here")

    deployed.wait_for("delete", "pod", "--all", "--wait=true")

    for part in ("statefulset/postgres", "statefulset/minio", "deployment/pfs-scheduler"):
        deployed.wait_for("rollout", "status", part)
    assert deployed.pfs("get", "file", "kept@master:/a") == "here"


def test_the_scheduler_shows_that_it_lives(deployed: Deployed) -> None:
    ages = [_age_of_sign(deployed)]
    time.sleep(3)
    ages.append(_age_of_sign(deployed))

    assert max(ages) < 5


def _overlay(image: str) -> list[Object]:
    """Return the overlay with images that the nodes have, and their busybox for user code."""
    return render_with(
        {
            "resources": [str(KUSTOMIZE / "overlays" / "with-services")],
            "images": [
                {"name": name, **_image(given)}
                for name, given in {**service_images(), "pfs-provider": image}.items()
            ],
            "configMapGenerator": [
                {
                    "name": "pfs-settings",
                    "namespace": "pfs-system",
                    "behavior": "merge",
                    "literals": [
                        f"PFS_K8S_WORKER_IMAGE={image}",
                        f"PFS_K8S_USER_IMAGE={USER_IMAGE}",
                    ],
                }
            ],
        }
    )


def _image(name: str) -> dict[str, str]:
    new_name, _, tag = name.rpartition(":")
    return {"newName": new_name, "newTag": tag}


def _make_secrets(deployed: Deployed) -> None:
    store = {"AWS_ACCESS_KEY_ID": "pfs", "AWS_SECRET_ACCESS_KEY": uuid.uuid4().hex}
    root = {"MINIO_ROOT_USER": "root-of-test", "MINIO_ROOT_PASSWORD": uuid.uuid4().hex}
    for namespace, name, values in (
        (deployed.system, "pfs-catalog", {"PGPASSWORD": uuid.uuid4().hex}),
        (deployed.system, "minio-root", root),
        (deployed.system, "pfs-store", store),
        (deployed.workers, "pfs-store", store),
    ):
        literals = [f"--from-literal={key}={value}" for key, value in values.items()]
        deployed.cluster.kubectl("create", "secret", "generic", name, "-n", namespace, *literals)


def _open_volumes(deployed: Deployed) -> None:
    """Let everybody write: fsGroup does nothing for a volume that is a folder of the machine."""
    for claim in ("data-postgres-0", "data-minio-0"):
        deployed.wait_for("wait", "--for=jsonpath={.status.phase}=Bound", f"pvc/{claim}")
    claims = deployed.cluster.get("pvc", deployed.system)
    for claim in claims:
        volume = json.loads(
            deployed.cluster.kubectl("get", "pv", claim["spec"]["volumeName"], "-o", "json")
        )
        if "hostPath" in volume["spec"]:
            Path(volume["spec"]["hostPath"]["path"]).chmod(0o777)


def _age_of_sign(deployed: Deployed) -> float:
    program = "import os, time; print(time.time() - os.stat('/tmp/alive').st_mtime)"
    command = ("exec", "-n", deployed.system, "deploy/pfs-scheduler", "--", "python", "-c", program)
    return float(deployed.cluster.kubectl(*command))
