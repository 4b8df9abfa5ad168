"""The small single-threaded program that makes a task's namespaces and starts user code in them.

Runs as ``python -I -S``, so the modules here import the standard library and each other, nothing
else.
"""
