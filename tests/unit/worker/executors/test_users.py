import os
import pwd
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.users import find_user, give_folder

ME = pwd.getpwuid(os.geteuid())


@pytest.mark.parametrize("text", [ME.pw_name, str(ME.pw_uid)])
def test_a_user_is_found_by_name_and_by_number(text: str) -> None:
    uid, gid, groups = find_user(text)

    assert (uid, gid) == (ME.pw_uid, ME.pw_gid)
    assert ME.pw_gid in groups


def test_a_number_without_a_name_is_its_own_group() -> None:
    assert find_user("987654") == (987654, 987654, [])


def test_a_group_may_follow() -> None:
    assert find_user(f"{ME.pw_name}:5")[:2] == (ME.pw_uid, 5)


@pytest.mark.parametrize("text", ["no-such-user", f"{ME.pw_name}:no-such-group", ""])
def test_an_unknown_user_or_group_is_named(text: str) -> None:
    with pytest.raises(FailedError, match=f"transform.user '{text}'") as caught:
        find_user(text)

    assert caught.value.code == ErrorCode.USER_NOT_FOUND


def test_a_folder_is_given_away_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "link").symlink_to(outside)

    give_folder(root, os.geteuid(), os.getegid())

    if os.geteuid() == 0:
        give_folder(root, 65534, 65534)
        assert (root / "a" / "link").lstat().st_uid == 65534
        assert outside.stat().st_uid == 0
