"""Specs that the tests of this folder start from."""

import json
from copy import deepcopy

from pfs_provider.spec.load import LoadedSpec, load_specs

Document = dict[str, object]

# Printed in the vendor's page on S3-enabled pipelines (1.11): a URL for a name, a text for a flag.
S3_DOCUMENT = """
{
  "pipeline": {
    "name": "test"
  },
  "input": {
    "pfs": {
      "glob": "/",
      "repo": "s3://images",
      "s3": "true"
    }
  },
  "transform": {
    "cmd": [ "python3", "/edges.py" ],
    "image": "pachyderm/opencv"
  },
  "s3_out": true
}
"""

# Printed in the vendor's page on creating pipelines (1.2).
OLD_DOCUMENT = """
{
  "pipeline": {
    "name": "my-pipeline"
  },
  "transform": {
    "image": "my-image",
    "cmd": [ "my-binary", "arg1", "arg2"],
    "stdin": [
        "my-std-input"
    ]
  },
  "parallelism": "4",
  "inputs": [
    {
      "repo": {
        "name": "my-input"
      },
      "method": "map"
    }
  ]
}
"""


def pfs(repo: str = "images", glob: str = "/*", **more: object) -> Document:
    """Return a pfs input."""
    return {"pfs": {"repo": repo, "glob": glob, **more}}


def document(**changes: object) -> Document:
    """Return a small spec with fields replaced; None removes one."""
    made: Document = {
        "pipeline": {"name": "edges"},
        "transform": {"cmd": ["python3", "/edges.py"]},
        "input": pfs(),
        **changes,
    }
    return {key: deepcopy(value) for key, value in made.items() if value is not None}


def load(**changes: object) -> LoadedSpec:
    """Return a small spec, loaded."""
    [loaded] = load_specs(document(**changes))
    return loaded


def load_text(text: str) -> LoadedSpec:
    """Return the one spec that a text holds."""
    [loaded] = load_specs(json.loads(text))
    return loaded
