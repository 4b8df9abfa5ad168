"""The façade: one object over all verbs, with plain values in and out.

    from pfs_provider import Pfs

    pfs = Pfs()
    pfs.create_repo("images")
    with pfs.commit("images@master") as c:
        c.put_file("/liberty.png", "local/liberty.png")

Each verb opens a transaction of its own unless ``with pfs.transaction()`` gathers several.
"""

from pfs_provider.closing import Closing
from pfs_provider.verbs.functions import FunctionVerbs
from pfs_provider.verbs.maps import MapVerbs
from pfs_provider.verbs.mounts import MountVerbs
from pfs_provider.verbs.puts import PutVerbs
from pfs_provider.verbs.secrets import SecretVerbs
from pfs_provider.verbs.transactions import TransactionVerbs
from pfs_provider.verbs.watching import WatchVerbs
from pfs_provider.verbs.workflows import WorkflowVerbs

__all__ = ["Pfs"]


class Pfs(
    PutVerbs,
    MountVerbs,
    MapVerbs,
    FunctionVerbs,
    WorkflowVerbs,
    WatchVerbs,
    SecretVerbs,
    TransactionVerbs,
    Closing,
):
    """An open catalog and store, and all that can be done with them.

    Without arguments the settings come from the environment (``PFS_CATALOG``, ``PFS_STORE``,
    ``PFS_HOME``) or ``pfs.toml``. Close it, or use it in a ``with`` block. May be used from several
    threads, except while a transaction is open.
    """

    def close(self) -> None:
        """Let go of connections and threads. Idempotent."""
        self._engine.close()
