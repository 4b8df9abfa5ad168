"""Argo Workflows: templates that run pipelines, what their steps say, and who submits them."""
