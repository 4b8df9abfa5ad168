"""Folders of specs for tests."""

import json
from pathlib import Path
from typing import Any

__all__ = ["spec", "write_specs"]


def spec(name: str, *repos: str, **more: Any) -> dict[str, Any]:
    """A pipeline that reads these repos."""
    parts = [{"pfs": {"repo": repo, "glob": "/*"}} for repo in repos]
    return {
        "pipeline": {"name": name},
        "transform": {"cmd": ["sh", "-c", f"cp -r /pfs/{repos[0]}/. /pfs/out/"]},
        "input": parts[0] if len(parts) == 1 else {"cross": parts},
    } | more


def write_specs(folder: Path, **files: dict[str, Any] | list[dict[str, Any]]) -> Path:
    """Write one JSON file for each argument; a list gives several documents in one file."""
    folder.mkdir(exist_ok=True)
    for name, documents in files.items():
        several = documents if isinstance(documents, list) else [documents]
        text = "\n".join(json.dumps(document) for document in several)
        (folder / f"{name}.json").write_text(text)
    return folder
