"""Names of projects, repos, branches and pipelines, and the keys made of them.

Source: semantics of Pachyderm 2.x (letters, digits, ``_`` and ``-``), see docs/reference/names.md.
"""

import re
from dataclasses import dataclass

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.ids import is_id

__all__ = [
    "DEFAULT_BRANCH",
    "DEFAULT_PROJECT",
    "BranchKey",
    "PipelineKey",
    "RepoKey",
    "parse_branch_name",
    "parse_pipeline_name",
    "parse_project_name",
    "parse_repo_key",
    "parse_repo_name",
]

DEFAULT_PROJECT = "default"
DEFAULT_BRANCH = "master"
MAX_PIPELINE_NAME = 51
"""Characters. Kubernetes allows 63 for a name; a job's prefix and version take the rest."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, order=True)
class RepoKey:
    """Names one repo."""

    project: str
    name: str

    def __str__(self) -> str:
        return self.name if self.project == DEFAULT_PROJECT else self.full

    @property
    def full(self) -> str:
        """``project/repo``, also for the default project."""
        return f"{self.project}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class BranchKey:
    """Names one branch."""

    repo: RepoKey
    name: str

    def __str__(self) -> str:
        return f"{self.repo}@{self.name}"

    @property
    def full(self) -> str:
        """``project/repo@branch``, also for the default project."""
        return f"{self.repo.full}@{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class PipelineKey:
    """Names one pipeline; its output repo has the same project and name."""

    project: str
    name: str

    def __str__(self) -> str:
        return self.name if self.project == DEFAULT_PROJECT else f"{self.project}/{self.name}"

    @property
    def repo(self) -> RepoKey:
        """The output repo."""
        return RepoKey(self.project, self.name)


def _parse(
    kind: str, text: str, *, max_length: int | None = None, alnum_first: bool = False
) -> str:
    if _NAME.fullmatch(text) is None:
        raise RefusedError(
            ErrorCode.NAME_ILLEGAL,
            f"{kind} name {text!r} is illegal: use letters, digits, '_' and '-', at least one",
            name=text,
        )
    if alnum_first and not text[0].isalnum():
        raise RefusedError(
            ErrorCode.NAME_ILLEGAL,
            f"{kind} name {text!r} is illegal: it has to begin with a letter or a digit",
            name=text,
        )
    if max_length is not None and len(text) > max_length:
        raise RefusedError(
            ErrorCode.NAME_ILLEGAL,
            f"{kind} name {text!r} is too long: {len(text)} characters, at most {max_length}",
            name=text,
        )
    return text


def parse_project_name(text: str) -> str:
    """Return a legal project name. Raises RefusedError ``name-illegal``."""
    return _parse("project", text, max_length=MAX_PIPELINE_NAME, alnum_first=True)


def parse_repo_name(text: str) -> str:
    """Return a legal repo name. Raises RefusedError ``name-illegal``."""
    return _parse("repo", text)


def parse_pipeline_name(text: str) -> str:
    """Return a legal pipeline name. Raises RefusedError ``name-illegal``."""
    return _parse("pipeline", text, max_length=MAX_PIPELINE_NAME, alnum_first=True)


def parse_branch_name(text: str) -> str:
    """Return a legal branch name: not the shape of an id. Raises RefusedError ``name-illegal``."""
    name = _parse("branch", text)
    if is_id(name):
        raise RefusedError(
            ErrorCode.NAME_ILLEGAL,
            f"branch name {text!r} is illegal: 32 hex digits mean a commit",
            name=text,
        )
    return name


def parse_repo_key(text: str) -> RepoKey:
    """Return the repo that ``[project/]repo`` names. Raises RefusedError ``name-illegal``."""
    project, slash, name = text.rpartition("/")
    return RepoKey(parse_project_name(project) if slash else DEFAULT_PROJECT, parse_repo_name(name))
