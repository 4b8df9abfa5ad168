from pfs_provider.worker.executors.homes import Homes


def test_a_home_is_empty_whatever_the_last_one_left_there() -> None:
    homes = Homes()

    with homes.lend() as home:
        (home / "cache").mkdir()
        (home / "cache/file").write_text("old")
    with homes.lend() as home:
        assert list(home.iterdir()) == []
    homes.close()


def test_a_home_left_empty_is_lent_again_and_never_to_two() -> None:
    homes = Homes()

    with homes.lend() as first:
        pass
    with homes.lend() as again, homes.lend() as other:
        assert again == first
        assert other != first
    homes.close()


def test_a_home_whose_rights_were_changed_is_not_lent_again() -> None:
    homes = Homes()

    with homes.lend() as first:
        first.chmod(0o777)
    with homes.lend() as other:
        assert other != first
    homes.close()


def test_nothing_is_left_after_close() -> None:
    homes = Homes()
    with homes.lend() as home:
        folder = home.parent

    homes.close()
    homes.close()

    assert not folder.exists()
