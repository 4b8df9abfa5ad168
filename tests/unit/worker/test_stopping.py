import subprocess
import sys
import threading

from pfs_provider.worker.stopping import StopFlag, StopSign

STORM = """
import os, signal, threading, time
from pfs_provider.worker.stopping import StopSign
stop = StopSign()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
def storm():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.SIGTERM)
thread = threading.Thread(target=storm)
thread.start()
while thread.is_alive():
    stop.set()
print(stop.is_set())
"""


def test_a_sign_is_set_once_and_stays() -> None:
    stop: StopFlag = StopSign()
    assert not stop.is_set()

    stop.set()
    stop.set()

    assert stop.is_set()


def test_an_event_will_do_where_no_signal_sets_it() -> None:
    stop: StopFlag = threading.Event()

    stop.set()

    assert stop.is_set()


def test_a_storm_of_signals_does_not_make_it_wait_for_itself() -> None:
    said = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, timeout=50, check=True
    )

    assert said.stdout == "True\n"
