"""Orders to a task: carried out by the thread that follows it, or in vain."""

import select
import threading
from collections.abc import Callable
from pathlib import Path

from pfs_provider.worker.executors.leash import Leash
from pfs_provider.worker.executors.logs import LogWriter


class Held:
    """A task that notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def drain(self) -> None:
        self.done.append("drain")

    def rest(self, rested: Callable[[], None]) -> None:
        self.done.append("rest")
        rested()

    def wake(self) -> None:
        self.done.append("wake")


def follow(leash: Leash, held: Held, n_orders: int) -> threading.Thread:
    def obey() -> None:
        for _ in range(n_orders):
            select.select([leash], [], [], 20)
            leash.obey(held)

    thread = threading.Thread(target=obey)
    thread.start()
    return thread


def test_an_order_is_carried_out_when_the_call_returns() -> None:
    leash, held = Leash(), Held()
    thread = follow(leash, held, 2)

    leash.rest(Path("between"))
    assert held.done == ["rest", "drain"]
    leash.wake(Path("log"))

    assert held.done == ["rest", "drain", "drain", "wake"]
    thread.join()
    leash.let_go()


def test_the_log_is_turned_over_and_what_came_between_begins_the_next(tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "one", secrets=(b"hush",))
    leash, held = Leash(log=log), Held()
    thread = follow(leash, held, 2)
    log.write(b"first hu")

    leash.rest(tmp_path / "between")
    log.write(b"between hush")
    leash.wake(tmp_path / "two")
    log.write(b", second")
    log.close()

    thread.join()
    assert (tmp_path / "one").read_bytes() == b"first hu"
    two = (tmp_path / "two").read_bytes()
    assert two.startswith(b"between ")
    assert two.endswith(b", second")
    assert b"hush" not in two
    assert not (tmp_path / "between").exists()
    leash.let_go()


def test_orders_to_a_task_that_has_ended_are_in_vain() -> None:
    leash = Leash()
    waiting = threading.Thread(target=leash.wake, args=(Path("log"),))
    waiting.start()

    leash.let_go()
    leash.let_go()

    waiting.join(20)
    assert not waiting.is_alive()
    leash.rest(Path("log"))
