"""Verbs over projects, repos and branches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from pfs_provider.catalog import branches, history, projects, repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Branch, Trigger
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.infos import BranchInfo, RepoInfo
from pfs_provider.refs.addresses import parse_address, parse_branch
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, parse_project_name, parse_repo_key
from pfs_provider.verbs.session import Session

__all__ = ["RepoVerbs"]


class RepoVerbs(Session):
    """Projects, repos and branches."""

    def create_project(self, name: str, *, description: str = "") -> str:
        """Make a project and return its name. Raises ConflictError ``project-exists``."""
        checked = parse_project_name(name)
        return self._act(
            lambda tx: projects.create_project(tx, checked, description=description)
        ).name

    def list_projects(self) -> list[str]:
        """Return the names of all projects."""
        with self._versions.catalog.read() as tx:
            return [project.name for project in projects.list_projects(tx)]

    def delete_project(self, name: str) -> None:
        """Delete an empty project. Raises ConflictError ``in-use`` while it holds repos."""
        checked = parse_project_name(name)
        self._act(lambda tx: projects.delete_project(tx, checked))

    def create_repo(self, name: str, *, description: str = "") -> RepoInfo:
        """Make a repo.

        Args:
            name: ``[project/]repo``.
            description: For people.

        Raises:
            RefusedError: ``name-illegal``.
            ConflictError: ``repo-exists``.
            NotFoundError: ``project-not-found``.
        """
        key = parse_repo_key(name)
        return self._act(lambda tx: repos.create_repo(tx, key, description=description)).info()

    def inspect_repo(self, name: str) -> RepoInfo:
        """Return one repo. Raises NotFoundError ``repo-not-found``."""
        with self._versions.catalog.read() as tx:
            return repos.get_repo(tx, parse_repo_key(name)).info()

    def list_repos(self, project: str | None = None) -> list[RepoInfo]:
        """Return all repos, or those of one project, by name."""
        with self._versions.catalog.read() as tx:
            return [repo.info() for repo in repos.list_repos(tx, project)]

    def delete_repo(self, name: str, *, force: bool = False) -> None:
        """Delete a repo with its branches and commits.

        Raises:
            NotFoundError: ``repo-not-found``.
            ConflictError: ``in-use``: it belongs to a pipeline, or something depends on it
                (``force``).
        """
        key = parse_repo_key(name)
        self._act(lambda tx: repos.delete_repo(tx, key, force=force))

    def create_branch(
        self,
        address: str,
        *,
        head: str | None = None,
        provenance: Sequence[str] | None = None,
        trigger: Mapping[str, object] | None = None,
    ) -> BranchInfo:
        """Make a branch, or declare it again: move its head, set or clear its provenance.

        Args:
            address: ``[project/]repo@branch``.
            head: A commit of the same repo that the branch shall point to.
            provenance: Branches that it depends on; None clears what was declared.
            trigger: Fields of catalog.values.Trigger; None means none.

        Raises:
            NotFoundError: No such repo or head.
            RefusedError: ``provenance-illegal``: a cycle, or its own repo; ``trigger-illegal``.
        """
        key = parse_branch(address)
        depends = None if provenance is None else [parse_branch(text) for text in provenance]
        fires = None if trigger is None else _trigger(trigger)
        return self._act(
            lambda tx: branches.create_branch(
                tx, key, head=_head(tx, key, head), provenance=depends, trigger=fires
            )
        ).info()

    def inspect_branch(self, address: str) -> BranchInfo:
        """Return one branch. Raises NotFoundError ``branch-not-found``."""
        with self._versions.catalog.read() as tx:
            return branches.get_branch(tx, parse_branch(address)).info()

    def list_branches(self, repo: str) -> list[BranchInfo]:
        """Return a repo's branches by name. Raises NotFoundError ``repo-not-found``."""
        with self._versions.catalog.read() as tx:
            found: Sequence[Branch] = branches.list_branches(tx, parse_repo_key(repo))
            return [branch.info() for branch in found]

    def delete_branch(self, address: str, *, force: bool = False) -> None:
        """Delete a branch; its commits stay. Raises ConflictError ``in-use`` (``force``)."""
        key = parse_branch(address)
        self._act(lambda tx: branches.delete_branch(tx, key, force=force))

    def iter_branches(self) -> Iterator[BranchInfo]:
        """Yield the branches of all repos."""
        for repo in self.list_repos():
            yield from self.list_branches(f"{repo.project}/{repo.name}")


def _trigger(given: Mapping[str, object]) -> Trigger:
    known = [field.name for field in fields(Trigger)]
    unknown = sorted(given.keys() - set(known))
    if unknown or "branch" not in given:
        wrong = f"has no field {unknown[0]!r}" if unknown else "needs a branch to watch"
        raise RefusedError(
            ErrorCode.TRIGGER_ILLEGAL, f"a trigger {wrong}: its fields are {', '.join(known)}"
        )
    return Trigger(**given)  # type: ignore[arg-type] # the catalog checks the values


def _head(tx: Tx, key: BranchKey, text: str | None) -> CommitId | None:
    """Return the commit that a head names: an address, an id, or a branch of the same repo."""
    if text is None:
        return None
    address = parse_address(text if "@" in text else f"{key.repo.full}@{text}")
    if address.repo != key.repo:
        # Not even if a commit of that id is here too: a change has one id in all repos.
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL,
            f"{text!r} is of another repo than {key}: a head is a commit of the branch's own repo",
            address=text,
        )
    return history.resolve_commit(tx, address, readable=True).id
