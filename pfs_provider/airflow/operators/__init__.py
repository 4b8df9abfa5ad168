"""Operators: one verb per file."""
