"""Sensors: one noun per file."""
