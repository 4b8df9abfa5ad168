"""Addresses and URIs: ``[project/]repo@(branch|commit|branch=commit)[ancestry][:/path]``.

Pure: resolving an address to a commit is the catalog's business.
"""

from dataclasses import dataclass

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.ancestry import Ancestry, Back, parse_ancestry
from pfs_provider.refs.ids import CommitId, is_id, parse_id
from pfs_provider.refs.names import (
    DEFAULT_PROJECT,
    BranchKey,
    RepoKey,
    parse_branch_name,
    parse_project_name,
    parse_repo_key,
    parse_repo_name,
)
from pfs_provider.refs.paths import ROOT, PfsPath, parse_path

__all__ = ["Address", "parse_address", "parse_branch", "parse_uri"]

_FORM = "[project/]repo@(branch|commit|branch=commit)[ancestry][:/path]"


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is.

    At least one of ``branch`` and ``commit`` is set; both for ``branch=commit``.
    """

    repo: RepoKey
    branch: str | None
    commit: CommitId | None
    ancestry: Ancestry = Back(0)
    path: PfsPath | None = None

    @property
    def branch_key(self) -> BranchKey:
        """The branch named. Raises RefusedError ``address-illegal`` if a commit is named alone."""
        if self.branch is None:
            raise RefusedError(
                ErrorCode.ADDRESS_ILLEGAL,
                f"{self.repo}@{self.commit} names a commit where a branch is wanted: "
                f"write {self.repo}@BRANCH",
                address=str(self),
            )
        return BranchKey(self.repo, self.branch)

    @property
    def file_path(self) -> PfsPath:
        """The path, the root if none was given."""
        return ROOT if self.path is None else self.path

    def __str__(self) -> str:
        revision = "=".join(part for part in (self.branch, self.commit) if part)
        match self.ancestry:
            case Back(steps=0):
                suffix = ""
            case Back(steps=steps):
                suffix = f"^{steps}"
            case start:
                suffix = f".{start.number}"
        path = "" if self.path is None else f":{self.path}"
        return f"{self.repo}@{revision}{suffix}{path}"


def parse_address(text: str) -> Address:
    """Return what the text names.

    Raises:
        RefusedError: ``address-illegal``, ``name-illegal``, ``id-illegal`` or ``path-illegal``,
            with the part that is wrong.
    """
    if text.startswith("pfs://"):
        return parse_uri(text)
    repo, at, rest = text.partition("@")
    if not at:
        repo_name = text.partition(":")[0] or "REPO"
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL,
            f"{text!r} names no branch or commit: write {repo_name}@master ({_FORM})",
            address=text,
        )
    revision, colon, path = rest.partition(":")
    name, ancestry = parse_ancestry(revision)
    if not name:
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL, f"{text!r} has nothing after '@': {_FORM}", address=text
        )
    branch, commit = _parse_revision(name)
    return Address(
        repo=parse_repo_key(repo),
        branch=branch,
        commit=commit,
        ancestry=ancestry,
        path=parse_path(path) if colon else None,
    )


def parse_branch(text: str) -> BranchKey:
    """Return the branch that ``[project/]repo@branch`` names; anything after it is refused."""
    address = parse_address(text)
    if address.commit is not None or address.path is not None or address.ancestry != Back(0):
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL,
            f"{text!r} is more than a branch: write [project/]repo@branch",
            address=text,
        )
    return address.branch_key


def parse_uri(text: str) -> Address:
    """Return what ``pfs://[project.]repo/(branch|commit)/path`` names.

    Raises:
        RefusedError: ``address-illegal``, ``name-illegal`` or ``path-illegal``.
    """
    body = text.removeprefix("pfs://")
    repo, _, rest = body.partition("/")
    revision, _, path = rest.partition("/")
    if not repo or not revision:
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL,
            f"{text!r} is not of the form pfs://[project.]repo/branch/path",
            address=text,
        )
    project, dot, name = repo.rpartition(".")
    branch, commit = _parse_revision(revision)
    return Address(
        repo=RepoKey(
            parse_project_name(project) if dot else DEFAULT_PROJECT, parse_repo_name(name)
        ),
        branch=branch,
        commit=commit,
        path=parse_path(path),
    )


def _parse_revision(name: str) -> tuple[str | None, CommitId | None]:
    branch, equals, commit = name.partition("=")
    if equals:
        return parse_branch_name(branch), parse_id(commit)
    if is_id(name):
        return None, CommitId(name)
    return parse_branch_name(name), None
