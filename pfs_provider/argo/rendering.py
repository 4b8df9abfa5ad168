"""The files of argo_templates/: what is built here, as YAML.

Invariants: equal code gives equal bytes; a test compares them with what is committed.
Must not know: where they are written.
"""

from collections.abc import Sequence
from typing import Any

import yaml

from pfs_provider.argo.access import build_access, build_catch_up, build_events
from pfs_provider.argo.parts import IMAGE
from pfs_provider.argo.templates import build_templates

__all__ = ["render_files"]

HEADER = "# Made by `make argo-templates` from pfs_provider/argo; changes here are lost.\n"
IMAGE_PLACES = (
    "spec/templates/container/image",
    "spec/templates/initContainers/image",
    "spec/templates/container/env/value",
)


def render_files() -> dict[str, str]:
    """Return the text of each file by its path."""
    files = {}
    for folder, is_cluster in (("namespace", False), ("cluster", True)):
        templates = build_templates(cluster=is_cluster)
        for template in templates:
            files[f"{folder}/{template['metadata']['name']}.yaml"] = _text([template])
        kind = templates[0]["kind"]
        names = [f"{template['metadata']['name']}.yaml" for template in templates]
        files[f"{folder}/kustomization.yaml"] = _text([_kustomization(names)])
        files[f"{folder}/images.yaml"] = _text([_image_places(kind)])
    files["access/access.yaml"] = _text(build_access())
    files["access/kustomization.yaml"] = _text([_plain_kustomization(["access.yaml"])])
    files["catch-up/catch-up.yaml"] = _text([build_catch_up()])
    files["catch-up/kustomization.yaml"] = _text([_plain_kustomization(["catch-up.yaml"])])
    files["events/events.yaml"] = _text(build_events())
    files["events/kustomization.yaml"] = _text([_plain_kustomization(["events.yaml"])])
    files["kustomization.yaml"] = _text([_plain_kustomization(["access", "namespace"])])
    return files


def _kustomization(resources: Sequence[str]) -> dict[str, Any]:
    name, _, tag = IMAGE.partition(":")
    return _plain_kustomization(resources) | {
        "configurations": ["images.yaml"],
        # Name the registry here, or in a kustomization that has this one as a resource.
        "images": [{"name": name, "newTag": tag}],
    }


def _plain_kustomization(resources: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(resources),
    }


def _image_places(kind: str) -> dict[str, Any]:
    """Return where kustomize finds our image: it knows no templates of Argo by itself."""
    return {"images": [{"path": path, "kind": kind} for path in IMAGE_PLACES]}


def _text(documents: Sequence[dict[str, Any]]) -> str:
    return HEADER + str(
        yaml.safe_dump_all(documents, sort_keys=False, width=110, allow_unicode=True)
    )
