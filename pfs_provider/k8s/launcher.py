"""Workers as the pods of one Indexed Job.

Invariants: one job has one Job, found by its name; whoever launches again adopts the one that
works, and replaces the one that cannot. Rights are looked at before anything is made, and what a
launch that fails has made is deleted. Must not know: the catalog, the environment.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pfs_provider.clock import Clock, IdSource
from pfs_provider.errors import ConflictError, ErrorCode, PfsError, RefusedError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import find_s3_fields
from pfs_provider.k8s.client import JOBS, SECRETS, KubeClient
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.faults import forbidden
from pfs_provider.k8s.manifests import render_job, render_secret, secret_name
from pfs_provider.k8s.names import JOB_LABEL, job_name
from pfs_provider.k8s.pods import STORAGE, StoreAccess
from pfs_provider.k8s.rights import find_missing, needed_rights
from pfs_provider.k8s.signs import SignsOfLife
from pfs_provider.k8s.workers import KubernetesWorkers, has_condition
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.stores.port import ObjectStore

__all__ = ["KubernetesLauncher", "pod_store_url"]

REPLACE_S = 90.0
"""Seconds that the end of a Job of the same name is waited for."""
REPLACE_POLL_S = 0.5
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesLauncher:
    """Starts workers on a cluster.

    Args:
        cluster: How and where.
        client: Its API.
        store: Where jobs' objects lie, as this process reaches them.
        store_url: The store as pods reach it (``pod_store_url``).
        credentials: Variables for the workers' store client, where no Secret is named.
        lease_s: Seconds of silence after which a worker counts as gone.
        clock: For pauses and time-outs.
        ids: For names of Secrets.
    """

    cluster: Cluster
    client: KubeClient
    store: ObjectStore
    store_url: str
    credentials: Mapping[str, str] = field(repr=False)
    lease_s: float
    clock: Clock
    ids: IdSource

    @property
    def place(self) -> str:
        """Where its workers are."""
        return "workers on Kubernetes"

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return what does not exist yet. See Launcher.find_unsupported."""
        return find_s3_fields(spec)

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> KubernetesWorkers:
        """Make the job's Job, or adopt the one that works. See Launcher.launch.

        Raises:
            RefusedError: ``spec-illegal``, ``settings-illegal`` or ``cluster-refused``: it cannot
                be carried out; the field is named.
            NotFoundError: ``namespace-not-found``.
            UnavailableError: ``cluster-unavailable``, or ``cluster-forbidden`` with the rights that
                are missing.
        """

        def make() -> Mapping[str, Any]:
            # A Secret of the same name may still be collected together with the Job before.
            access = StoreAccess(
                url=self.store_url,
                secret=self.cluster.store_secret or secret_name(job, self.ids.new_id()),
                lease_s=self.lease_s,
            )
            return self._make(render_job(self.cluster, job, spec, n_workers, access))

        self._check_rights()
        signs = SignsOfLife(self.store, job)
        signs.note()
        made = make()
        return KubernetesWorkers(
            client=self.client,
            clock=self.clock,
            name=job_name(job),
            signs=signs,
            start_timeout_s=self.cluster.start_timeout_s,
            make=make,
            uid=str(made["metadata"]["uid"]),
            n_workers=n_workers,
        )

    def attach(self, job: JobRef) -> KubernetesWorkers:
        """Return a handle on a job's Job without asking the cluster: to watch it, and to stop it.

        It makes nothing: where the Job is gone, no worker is alive.
        """
        return KubernetesWorkers(
            client=self.client,
            clock=self.clock,
            name=job_name(job),
            signs=SignsOfLife(self.store, job),
            start_timeout_s=self.cluster.start_timeout_s,
        )

    def _check_rights(self) -> None:
        needed = needed_rights(own_secret=self.cluster.store_secret is None)
        try:
            rules = self.client.list_rules()
        except UnavailableError as error:
            if error.code != ErrorCode.CLUSTER_FORBIDDEN:
                raise
            return  # a cluster where one may not ask: the first request that is refused tells
        missing = find_missing(rules, needed)
        if missing:
            raise forbidden(self.cluster.namespace, missing)

    def _make(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the job's Job as it is now: made, or adopted."""
        name = manifest["metadata"]["name"]
        deadline = self.clock.monotonic() + REPLACE_S
        while True:
            try:
                job = self.client.create(JOBS, manifest)
            except ConflictError as error:
                found = self.client.find(JOBS, name)
                if found is not None and self._is_usable(found, manifest, error):
                    self._give_secret(found)
                    return found
                if self.clock.monotonic() > deadline:
                    raise UnavailableError(
                        ErrorCode.CLUSTER_UNAVAILABLE,
                        f"the Job {name} of an earlier try does not go away: its pods may be on a "
                        "node that is lost; delete them by force, or the node",
                        name=name,
                    ) from error
                self.clock.sleep(REPLACE_POLL_S)
                continue
            try:
                self._give_secret(job)
            except PfsError:
                self.client.delete(JOBS, name, uid=job["metadata"]["uid"])
                raise
            return job

    def _is_usable(
        self, found: Mapping[str, Any], manifest: Mapping[str, Any], error: ConflictError
    ) -> bool:
        """Return whether a Job of that name is at work for this job; delete it if it has ended.

        Raises:
            ConflictError: ``cluster-object-exists``: it is somebody else's.
        """
        about = found["metadata"]
        wanted = manifest["metadata"]["labels"][JOB_LABEL]
        if (about.get("labels") or {}).get(JOB_LABEL) != wanted:
            raise error
        if "deletionTimestamp" in about:
            return False
        if has_condition(found, "Complete", "SuccessCriteriaMet", "Failed", "FailureTarget"):
            self.client.delete(JOBS, about["name"], uid=about["uid"])
            return False
        return True

    def _give_secret(self, job: Mapping[str, Any]) -> None:
        """Make the Secret that a Job's pods name, unless it is there or not ours to make."""
        if self.cluster.store_secret is not None:
            return
        containers = job["spec"]["template"]["spec"]["containers"]
        (storage,) = (part for part in containers if part["name"] == STORAGE)
        for entry in storage.get("envFrom") or ():
            name = (entry.get("secretRef") or {}).get("name", "")
            if not name.startswith(job["metadata"]["name"]):
                continue  # a patch may add others
            with suppress(ConflictError):  # whoever made the Job has made it
                self.client.create(SECRETS, render_secret(job, name, self.credentials))


def pod_store_url(cluster: Cluster, store_url: str) -> str:
    """Return the URL by which pods reach the store.

    Args:
        cluster: Its ``store_url`` wins.
        store_url: The store as this process knows it.

    Raises:
        RefusedError: ``settings-illegal``: pods cannot reach it.
    """
    url = urlsplit(cluster.store_url or store_url)
    endpoint = parse_qs(url.query).get("endpoint", [""])[0]
    why = ""
    if url.scheme == "memory":
        why = "it is gone with its process"
    elif cluster.store_url is None and url.scheme in {"", "file"}:
        why = "it is a folder of this machine"
    elif urlsplit(endpoint).hostname in LOOPBACK:
        why = "its endpoint is this machine's loopback"
    if why:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"pods cannot reach the store {url.geturl()}: {why}; use an object store, and give the "
            "address by which pods reach it as k8s_store_url (PFS_K8S_STORE_URL)",
            setting="k8s_store_url",
        )
    return cluster.store_url or store_url
