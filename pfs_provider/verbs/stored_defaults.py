"""Where the defaults of specs come from: the catalog, each looked up once.

Must not know: how they are merged.
"""

import json
from collections.abc import Mapping
from typing import Any

from pfs_provider.catalog.database import Catalog
from pfs_provider.catalog.defaults import find_defaults
from pfs_provider.spec.defaults import DefaultsOf

__all__ = ["EVERYWHERE", "stored_defaults"]

EVERYWHERE = ""
"""In the place of a project: the defaults of all."""


def stored_defaults(
    catalog: Catalog, instead: Mapping[str, Mapping[str, Any]] | None = None
) -> DefaultsOf:
    """Return what finds the defaults of a project's specs, those of all first.

    Args:
        catalog: Where they are kept.
        instead: Defaults by project, ``EVERYWHERE`` for those of all, to take for what is kept.
    """
    known = dict(instead or {})

    def find(scope: str) -> Mapping[str, Any]:
        if scope not in known:
            with catalog.read() as tx:
                known[scope] = json.loads(find_defaults(tx, scope or None) or "{}")
        return known[scope]

    return lambda project: (find(EVERYWHERE), find(project))
