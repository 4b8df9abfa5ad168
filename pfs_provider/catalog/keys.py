"""Keys as one text column each, and back.

Invariant: names hold none of ``/@``, so ``project/repo``, ``project/repo@branch`` and
``project/pipeline`` are unambiguous. Texts come from our own columns and are not checked again.
Must not know: SQL.
"""

from pfs_provider.refs.names import BranchKey, PipelineKey, RepoKey

__all__ = ["branch_key", "branch_of", "pipeline_key", "pipeline_text", "repo_key"]


def repo_key(text: str) -> RepoKey:
    """Return the repo of a column that holds ``project/repo``."""
    project, _, name = text.partition("/")
    return RepoKey(project, name)


def branch_key(text: str) -> BranchKey:
    """Return the branch of a column that holds ``project/repo@branch``."""
    repo, _, name = text.partition("@")
    return BranchKey(repo_key(repo), name)


def branch_of(repo: str, name: str) -> str:
    """Return the column text of a branch from that of its repo."""
    return f"{repo}@{name}"


def pipeline_key(text: str) -> PipelineKey:
    """Return the pipeline of a column that holds ``project/pipeline``."""
    project, _, name = text.partition("/")
    return PipelineKey(project, name)


def pipeline_text(key: PipelineKey) -> str:
    """Return the column text of a pipeline; it is that of its output repo too."""
    return f"{key.project}/{key.name}"
