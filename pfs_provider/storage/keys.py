"""Names of objects in the store, fanned out over 256 folders by the first digest byte.

Frozen: readers of older data look under these names. Must not know: what the objects hold.
"""

__all__ = ["chunk_key", "delta_key", "manifest_key", "pack_key", "page_key"]


def pack_key(digest: bytes) -> str:
    """Return where a pack of small files lies."""
    return _key("packs", digest)


def chunk_key(digest: bytes) -> str:
    """Return where a chunk of a large file lies."""
    return _key("chunks", digest)


def manifest_key(digest: bytes) -> str:
    """Return where the list of chunks of a large file lies."""
    return _key("files", digest)


def page_key(digest: bytes) -> str:
    """Return where a tree page lies."""
    return _key("pages", digest)


def delta_key(digest: bytes) -> str:
    """Return where a delta lies."""
    return _key("deltas", digest)


def _key(room: str, digest: bytes) -> str:
    text = digest.hex()
    return f"{room}/{text[:2]}/{text}"
