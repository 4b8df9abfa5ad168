import select

from pfs_provider.worker.executors.interrupt import Interrupt


def _is_readable(interrupt: Interrupt) -> bool:
    poll = select.poll()
    poll.register(interrupt, select.POLLIN)
    return bool(poll.poll(0))


def test_it_is_readable_from_set_to_clear() -> None:
    interrupt = Interrupt()

    before = _is_readable(interrupt)
    interrupt.set()
    interrupt.set()
    between = _is_readable(interrupt)
    interrupt.clear()
    interrupt.clear()
    after = _is_readable(interrupt)
    interrupt.close()
    interrupt.close()

    assert (before, between, after) == (False, True, False)
