"""The façade as a whole: opening, closing, threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pfs_provider.pfs import Pfs


def test_it_closes_by_itself_and_twice_does_no_harm(tmp_path: Path) -> None:
    with Pfs(home=tmp_path) as pfs:
        pfs.create_repo("in")

    pfs.close()


def test_two_of_them_see_each_others_work(tmp_path: Path) -> None:
    with Pfs(home=tmp_path) as one, Pfs(home=tmp_path) as two:
        one.create_repo("in")
        one.put_file("in@master:/a", b"1")

        assert two.read_file("in@master:/a") == b"1"


def test_threads_may_share_one(tmp_path: Path) -> None:
    with Pfs(home=tmp_path) as pfs, ThreadPoolExecutor(4) as pool:
        pfs.create_repo("in")
        list(pool.map(lambda n: pfs.put_file(f"in@master:/{n}", b"x"), range(12)))

        assert len(pfs.list_commits("in")) == 12
        assert len(list(pfs.list_files("in@master:/"))) == 12


def test_every_public_verb_says_what_it_does() -> None:
    verbs = [name for name in dir(Pfs) if not name.startswith("_")]

    assert [name for name in verbs if not (getattr(Pfs, name).__doc__ or "").strip()] == []
