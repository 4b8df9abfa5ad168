"""Versioned data and data-driven pipelines as a library inside Airflow and Argo Workflows.

Imports nothing until a name is asked for, because Airflow imports this package in every process.
"""

__all__ = ["Pfs", "PfsError", "__version__", "each_datum"]

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:  # what type checkers see; a name of our own, so that not even typing is imported
    from pfs_provider.errors import PfsError
    from pfs_provider.next_datum import each_datum
    from pfs_provider.pfs import Pfs


def __getattr__(name: str) -> object:
    # lazy: importing the package must stay free of cost (see the module's docstring)
    if name == "Pfs":
        from pfs_provider.pfs import Pfs  # noqa: PLC0415

        return Pfs
    if name == "PfsError":
        from pfs_provider.errors import PfsError  # noqa: PLC0415

        return PfsError
    if name == "each_datum":
        from pfs_provider.next_datum import each_datum  # noqa: PLC0415

        return each_datum
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
