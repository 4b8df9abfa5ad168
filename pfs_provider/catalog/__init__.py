"""SQL: repos, branches, commits, provenance, pipelines, jobs, events; knows no object store."""
