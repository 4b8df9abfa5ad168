"""States of jobs and datums, and which may follow which. Source: semantics of Pachyderm 2.x."""

__all__ = ["ACTIVE", "DATUM_STATES", "TERMINAL"]

TERMINAL = frozenset({"success", "failure", "killed", "unrunnable"})
ACTIVE = frozenset({"starting", "running", "egressing", "finishing"})
"""Somebody works on the job, or could."""
DATUM_STATES = frozenset({"success", "failed", "recovered", "skipped"})
