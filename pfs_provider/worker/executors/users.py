"""Which user a task runs as, from the words of a spec.

Invariant: only real root changes users. Must not know: how a process becomes a user.
"""

import grp
import os
import pwd
from pathlib import Path

from pfs_provider.errors import ErrorCode, FailedError

__all__ = ["find_user", "give_folder"]


def find_user(text: str) -> tuple[int, int, list[int]]:
    """Return user, group and further groups of ``name``, ``number`` or either with ``:group``.

    Raises:
        FailedError: ``user-not-found``: this machine has no such user or group.
    """
    user, colon, group = text.partition(":")
    try:
        uid, gid, groups = _by_number(int(user)) if user.isdigit() else _by_name(user)
        if colon:
            gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise FailedError(
            ErrorCode.USER_NOT_FOUND,
            f"transform.user {text!r}: this machine has no such user or group; "
            "name one that it has, or run the pipeline with its image",
            user=text,
        ) from None
    return uid, gid, groups


def _by_name(name: str) -> tuple[int, int, list[int]]:
    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid, os.getgrouplist(name, entry.pw_gid)


def _by_number(uid: int) -> tuple[int, int, list[int]]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return uid, uid, []
    return uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid)


def give_folder(root: Path, uid: int, gid: int) -> None:
    """Make a user the owner of a folder and of all in it; links are changed, not followed."""
    os.lchown(root, uid, gid)
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            os.lchown(Path(folder, name), uid, gid)
