"""What makes a spout's command a client of the catalog and the store: variables.

Must not know: how the command is run.
"""

import os

from pfs_provider.settings import load_settings, store_options

__all__ = ["client_variables"]


def client_variables() -> dict[str, str]:
    """Return the variables by which ``pfs`` and ``Pfs()`` find what this worker was given."""
    settings = load_settings()
    known = {name.upper(): value for name, value in store_options().items()}
    return known | {
        "PFS_HOME": str(settings.home_folder),
        "PFS_STORE": settings.store_url,
        "PFS_CATALOG": settings.catalog_url,
        "PFS_CONFIG": os.devnull,
    }
