"""Bytes: object stores, packs, chunks, tree pages and deltas. Knows no repo and no SQL."""
