"""What several tests of this room stand on: judges by Argo's own schemas."""

import json
import os
from functools import cache
from pathlib import Path

import pytest

from pfs_provider.testing.argo import SchemaJudge

ROOT = Path(__file__).resolve().parents[3]


@cache
def judge(name: str) -> SchemaJudge:
    """Return a judge by ``workflows`` or ``events``; skip without the schema."""
    folder = Path(os.environ.get("PFS_TEST_ARGO_SCHEMAS") or ROOT.parent / "shared" / "argo")
    path = folder / f"{name}.schema.json"
    if not path.is_file():
        pytest.skip(
            f"{path} is missing: api/jsonschema/schema.json of argo-workflows and argo-events, as "
            "workflows.schema.json and events.schema.json in PFS_TEST_ARGO_SCHEMAS"
        )
    return SchemaJudge(json.loads(path.read_text(encoding="utf-8")))
