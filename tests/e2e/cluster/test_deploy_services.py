"""The overlay with-services at work: PostgreSQL, MinIO and the scheduler, all on the cluster."""

import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import USER_IMAGE, Cluster
from tests.deployments import KUSTOMIZE, ROOT, Object, as_yaml, renamed, render_with
from tests.docs.pages import find_blocks, find_steps
from tests.service_images import service_images

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WAIT_S = 240
PAGE = ROOT / "docs" / "how-to" / "deploy.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """The overlay in two namespaces of its own."""

    cluster: Cluster
    workers: str
    system: str

    def pfs(self, *arguments: str, given: str | None = None) -> str:
        """Run ``pfs`` beside the scheduler, as the page says."""
        command = ("exec", "-i", "-n", self.system, "deploy/pfs-scheduler", "--", "pfs")
        return self.cluster.kubectl(*command, *arguments, given=given)

    def follow(self, commands: Sequence[str]) -> str:
        """Run commands of the page in one shell, in these namespaces."""
        text = "\n".join(["set -e -o pipefail", *commands])
        text = re.sub(r"(-n|namespace) pfs-system\b", rf"\1 {self.system}", text)
        text = re.sub(r"(-n|namespace) pfs(?![-\w])", rf"\1 {self.workers}", text)
        done = subprocess.run(
            ["bash", "-c", text],
            env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)},
            capture_output=True, text=True, timeout=WAIT_S * 2, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            seen = self.cluster.kubectl("get", "all,events", "-n", self.system, check=False)
            pytest.fail(f"{text}\n{done.stdout}\n{done.stderr}\n{seen[-6000:]}")
        return done.stdout

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
def deployed(
    cluster: Cluster, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """What the page's own commands have installed."""
    name = f"pfs-deploy-{uuid.uuid4().hex[:8]}"
    found = Deployed(cluster=cluster, workers=name, system=f"{name}-system")
    objects = renamed(_overlay(image), workers=found.workers, system=found.system)
    apply, *look = _commands("Install")
    assert apply.endswith("-k my")
    file = tmp_path_factory.mktemp("deploy") / "my.yaml"
    file.write_text(as_yaml(objects))
    try:
        found.follow(_commands("Secrets"))
        found.follow([apply.replace("-k my", f"-f {file}")])
        _open_volumes(found)
        found.follow(look)
        yield found
    finally:
        wide = [
            f"{each['kind'].lower()}/{each['metadata']['name']}"
            for each in objects
            if each["kind"].startswith("ValidatingAdmission")
        ]
        cluster.kubectl("delete", *wide, "--ignore-not-found")
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
        "print('put', flush=True)\n"
        "obstore.delete(store, 'probe')\n"
    )
    done = subprocess.run(
        ["kubectl", f"--kubeconfig={deployed.cluster.kubeconfig}", "-n", deployed.system,
         "exec", "deploy/pfs-scheduler", "--", "python", "-c", program],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "put\n")
    assert "AccessDenied" in done.stderr or "403" in done.stderr


def test_a_file_from_outside_becomes_a_commit_of_the_pipeline(deployed: Deployed) -> None:
    said = deployed.follow(_commands("The first pipeline"))

    assert said.endswith("HELLO\n")
    (job,) = [json.loads(line) for line in _jobs_of(deployed, "upper")]
    assert (job["state"], job["processed"]) == ("success", 1)
    events = deployed.cluster.get("events", deployed.workers)
    assert "SuccessfulCreate" in {event["reason"] for event in events}  # by pods of that namespace


def test_the_catalog_is_backed_up_while_all_runs(deployed: Deployed, tmp_path: Path) -> None:
    deployed.follow([f"cd {tmp_path}", *_commands("Back up")])

    assert (tmp_path / "catalog.dump").read_bytes().startswith(b"PGDMP")


def test_a_scheduler_that_is_killed_finds_its_pods_at_work(deployed: Deployed) -> None:
    slow = {
        "pipeline": {"name": "slow"},
        "input": {"pfs": {"repo": "pauses", "glob": "/*"}},
        "transform": {"cmd": ["sh", "-c", "sleep 12; echo done > /pfs/out/done"]},
    }
    deployed.pfs("create", "repo", "pauses")
    deployed.pfs("create", "pipeline", "-f", "-", given=json.dumps(slow))
    deployed.pfs("put", "file", "pauses@master:/a", "-f", "-", given="a")
    uid = _wait_for_work(deployed)

    deployed.wait_for(
        "delete", "pod", "-l", "app.kubernetes.io/name=pfs-scheduler", "--force", "--grace-period=0"
    )
    deployed.wait_for("rollout", "status", "deployment/pfs-scheduler")

    deployed.pfs("wait", "commit", "slow@master")
    assert deployed.pfs("get", "file", "slow@master:/done") == "done\n"
    assert _uids_of_jobs(deployed) <= {uid}  # the first Job did it all
    (job,) = [json.loads(line) for line in _jobs_of(deployed, "slow")]
    assert (job["state"], job["processed"]) == ("success", 1)


def test_the_catalogs_figures_are_served(deployed: Deployed) -> None:
    deployed.wait_for("rollout", "status", "deployment/pfs-metrics")
    program = (
        "from urllib.request import urlopen\n"
        "print(urlopen('http://pfs-metrics:9464/metrics', timeout=20).read().decode())\n"
    )

    said = deployed.cluster.kubectl(
        "exec", "-n", deployed.system, "deploy/pfs-scheduler", "--", "python", "-c", program
    )

    assert "pfs_up 1.0" in said
    assert 'pfs_datums_total{pipeline="upper",project="default",result="processed"} 1.0' in said


def test_a_change_of_settings_restarts_what_has_them_and_nothing_else(
    deployed: Deployed, image: str
) -> None:
    before = _starts(deployed)
    changed = _overlay(image, "PFS_LEASE_S=15")
    objects = renamed(changed, workers=deployed.workers, system=deployed.system)
    kept = [each for each in objects if each["kind"] != "Job"]  # still there, and the same

    for _ in range(2):  # the second one finds nothing to do
        deployed.cluster.kubectl("apply", "--server-side", "-f", "-", given=as_yaml(kept))
    for name in ("scheduler", "metrics"):
        deployed.wait_for("rollout", "status", f"deployment/pfs-{name}")

    after = _starts(deployed)
    assert {name for name in after if name in before} == {"minio-0", "postgres-0"}
    assert all(after[name] == before[name] for name in ("minio-0", "postgres-0"))


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


def _starts(deployed: Deployed) -> dict[str, str]:
    """Return when each server's pod was started."""
    deployed.wait_for("wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=minio-setup")
    pods = deployed.cluster.get("pods", deployed.system)
    return {
        pod["metadata"]["name"]: pod["status"]["startTime"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }


def _overlay(image: str, *settings: str) -> list[Object]:
    """Return the overlay with images that the nodes have, and their busybox for user code."""
    return render_with(
        {
            "resources": [str(KUSTOMIZE / "overlays" / "with-services")],
            "components": [str(KUSTOMIZE / "components" / name) for name in ("guard", "metrics")],
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
                        *settings,
                    ],
                }
            ],
        }
    )


def _image(name: str) -> dict[str, str]:
    new_name, _, tag = name.rpartition(":")
    return {"newName": new_name, "newTag": tag}


def _commands(heading: str) -> list[str]:
    """Return the commands below a heading of the page."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (block,) = [each for each in find_blocks(section) if each.language == "console"]
    return [step.command for step in find_steps(f"```console\n{block.text}```\n")]


def _jobs_of(deployed: Deployed, pipeline: str) -> list[str]:
    return deployed.pfs("list", "job", "-p", pipeline, "-o", "json").splitlines()


def _uids_of_jobs(deployed: Deployed) -> set[str]:
    found = deployed.cluster.get("jobs", deployed.workers, "-l", "pfs.pipeline=slow")
    return {str(each["metadata"]["uid"]) for each in found}


def _wait_for_work(deployed: Deployed) -> str:
    """Wait until user code runs; return the uid of its Job."""
    deadline = time.monotonic() + WAIT_S
    while True:
        pods = deployed.cluster.get("pods", deployed.workers, "-l", "pfs.pipeline=slow")
        if pods and pods[0]["status"]["phase"] == "Running":
            (uid,) = _uids_of_jobs(deployed)
            return uid
        assert time.monotonic() < deadline, "no worker came up"
        time.sleep(0.5)


def _open_volumes(deployed: Deployed) -> None:
    """Let everybody write: fsGroup does nothing for a volume that is a folder of the machine."""
    for claim in ("data-postgres-0", "data-minio-0"):
        deployed.wait_for("wait", "--for=jsonpath={.status.phase}=Bound", f"pvc/{claim}")
    claims = deployed.cluster.get("pvc", deployed.system)
    for bound in claims:
        volume = json.loads(
            deployed.cluster.kubectl("get", "pv", bound["spec"]["volumeName"], "-o", "json")
        )
        if "hostPath" in volume["spec"]:
            Path(volume["spec"]["hostPath"]["path"]).chmod(0o777)


def _age_of_sign(deployed: Deployed) -> float:
    program = "import os, time; print(time.time() - os.stat('/tmp/alive').st_mtime)"
    command = ("exec", "-n", deployed.system, "deploy/pfs-scheduler", "--", "python", "-c", program)
    return float(deployed.cluster.kubectl(*command))
