"""Sending outputs out: files to an object store, rows into a database."""
