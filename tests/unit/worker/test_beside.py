"""One piece of work at a time, beside the thread that works."""

import threading

import pytest

from pfs_provider.testing.stores import KilledError
from pfs_provider.worker.beside import Beside


def test_a_piece_runs_beside_the_thread_that_started_it() -> None:
    beside, going = Beside("test"), threading.Event()
    met: list[bool] = []

    beside.start(lambda: met.append(going.wait(20)))
    going.set()
    beside.wait()

    assert met == [True]


def test_pieces_run_one_after_the_other_in_order() -> None:
    beside = Beside("test")
    seen: list[str] = []

    for number in range(20):
        beside.start(lambda number=number: seen.extend((f"{number} in", f"{number} out")))  # type: ignore[misc]
    beside.wait()

    assert seen == [f"{number} {end}" for number in range(20) for end in ("in", "out")]


@pytest.mark.parametrize("error", [ValueError("bad"), KilledError()])
@pytest.mark.parametrize("verb", ["wait", "start"])
def test_what_a_piece_raises_is_raised_once_where_it_is_waited_for(
    error: BaseException, verb: str
) -> None:
    beside = Beside("test")

    def fail() -> None:
        raise error

    beside.start(fail)

    with pytest.raises(type(error)) as caught:
        beside.wait() if verb == "wait" else beside.start(lambda: None)
    assert caught.value is error
    beside.wait()


def test_dropping_waits_and_forgets_what_went_wrong() -> None:
    beside, go = Beside("test"), threading.Event()
    ended: list[bool] = []

    def fail() -> None:
        ended.append(go.wait(20))
        raise ValueError

    beside.start(fail)
    go.set()
    beside.drop()

    assert ended == [True]
    beside.wait()
