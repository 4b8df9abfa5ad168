from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.airflow.triggers.follower import MAX_COMMITS, MAX_REMINDERS, Follower


def _follower(head: str | None = None) -> Follower:
    return Follower(gap_s=2.0, remind_s=30.0, seen=0, head=head)


def test_the_first_commit_is_announced_at_once() -> None:
    follower = _follower()
    follower.add(["a"], seen=1)

    news = follower.announce(100.0)

    assert news is not None
    assert (news.head, news.commits, news.n_commits) == ("a", ("a",), 1)
    assert follower.announce(100.0) is None


def test_what_lands_within_the_gap_is_announced_together() -> None:
    follower = _follower()
    follower.add(["a"], seen=1)
    follower.announce(100.0)
    follower.add(["b", "c"], seen=3)

    assert follower.announce(101.9) is None
    news = follower.announce(102.0)

    assert news is not None
    assert news.commits == ("b", "c")


def test_a_commit_told_as_finished_and_as_head_counts_once() -> None:
    follower = _follower(head="a")

    follower.add(["a", "b", "b"], seen=3)

    news = follower.announce(0.0)
    assert news is not None
    assert news.commits == ("b",)


def test_a_branch_moved_back_is_announced() -> None:
    follower = _follower()
    follower.add(["a", "b"], seen=2)
    follower.announce(0.0)

    follower.add(["a"], seen=3)

    news = follower.announce(10.0)
    assert news is not None
    assert news.head == "a"


def test_a_flood_is_announced_with_its_newest_ids_and_its_count() -> None:
    follower = _follower()
    follower.add([str(n) for n in range(MAX_COMMITS + 5)], seen=MAX_COMMITS + 5)

    news = follower.announce(0.0)

    assert news is not None
    assert news.n_commits == MAX_COMMITS + 5
    assert len(news.commits) == MAX_COMMITS
    assert news.commits[-1] == news.head == str(MAX_COMMITS + 4)


def _reminders(follower: Follower, *, taken: str | None, until: float) -> list[float]:
    times = []
    now = 0.0
    while now < until:
        if follower.is_reminder_due(now) and follower.remind(now, taken=taken) is not None:
            times.append(now)
        now += 1.0
    return times


def test_a_head_nobody_took_up_is_announced_again_ever_more_rarely() -> None:
    follower = _follower(head="b")
    follower.start_clock(0.0)

    times = _reminders(follower, taken="a", until=10_000.0)

    assert times[0] == 30.0
    assert len(times) == MAX_REMINDERS
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == [30.0 * 2**n for n in range(1, MAX_REMINDERS)]


def test_a_head_that_was_taken_up_is_not_announced_again() -> None:
    follower = _follower(head="b")
    follower.start_clock(0.0)

    assert _reminders(follower, taken="b", until=10_000.0) == []


def test_a_consumer_that_works_through_piece_by_piece_is_reminded_until_it_has_caught_up() -> None:
    follower = _follower(head="z")
    follower.start_clock(0.0)

    now, told = 0.0, 0
    for piece in "abcdefghijklmnop":
        now += 61.0
        told += follower.is_reminder_due(now) and follower.remind(now, taken=piece) is not None

    assert told == 16 > MAX_REMINDERS


def test_without_consumers_that_tell_there_are_no_reminders() -> None:
    follower = _follower(head="b")
    follower.start_clock(0.0)

    assert _reminders(follower, taken=None, until=10_000.0) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 5)), max_size=30))
def test_every_commit_is_announced_in_order(steps: list[tuple[int, float]]) -> None:
    follower = _follower()
    now = 0.0
    made: list[str] = []
    told: list[str] = []
    for n_new, wait in [*steps, (0, 10.0)]:
        now += wait
        new = [f"c{len(made) + n}" for n in range(n_new)]
        made += new
        follower.add(new, seen=len(made))
        news = follower.announce(now)
        if news is not None:
            assert news.head == made[-1]
            told += news.commits

    assert told == made
    assert follower.is_idle
    assert follower.seen == len(made)
