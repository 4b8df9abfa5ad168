"""The port through which a job's output leaves: to an object store, or into a database.

Implementation: egress/sender.py. What it sends to belongs to others, who read it meanwhile.
"""

from collections.abc import Callable
from typing import Protocol

from pfs_provider.spec.model import Egress
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef

__all__ = ["Sender"]


class Sender(Protocol):
    """Sends an output out. Called from any thread."""

    def send(
        self, egress: Egress, storage: Storage, tree: TreeRef, check: Callable[[], None]
    ) -> None:
        """Send all files of a tree, once; repeated it leaves what one call leaves.

        Args:
            egress: Where to.
            storage: Where the tree lies.
            tree: The output.
            check: Raises when nobody wants it any more; called often, the last time just before
                what was sent counts.

        Raises:
            RefusedError: ``egress-illegal``, ``store-url-illegal`` and the like: repeated it would
                fail in the same way.
            UnavailableError: It does not answer, or not now.
            UnknownOutcomeError: ``write-unknown``: it may have been sent.
        """
