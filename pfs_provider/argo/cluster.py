"""Submits workflows to a real cluster.

Must not know: what is in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pfs_provider.k8s.client import KubeClient, Resource

__all__ = ["WORKFLOWS", "ClusterSubmitter"]

WORKFLOWS = Resource("argoproj.io", "v1alpha1", "workflows")


@dataclass(frozen=True, slots=True)
class ClusterSubmitter:
    """A Submitter over the API of a cluster, in the client's namespace."""

    client: KubeClient

    def submit(self, workflow: Mapping[str, Any]) -> None:
        """Make a workflow. See Submitter.submit; the client's errors say what else went wrong."""
        self.client.create(WORKFLOWS, workflow)
