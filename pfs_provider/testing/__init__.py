"""Fakes, strategies and invariants for tests; shipped, imported by nothing in production."""
