"""The catalog's schema, step by step; run by schema.py, never by hand."""
