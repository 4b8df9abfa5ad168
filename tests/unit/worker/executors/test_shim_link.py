"""The worker's end of the FIFOs: greetings, noise, ends."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ErrorCode, FailedError, RefusedError, UnavailableError
from pfs_provider.worker.executors.shim_link import ShimLink
from tests.unit.worker.executors.shim_peer import ShimPeer, greet_back


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shim"


@pytest.fixture
def peer(folder: Path) -> Iterator[ShimPeer]:
    environ = b"PATH=/bin\0my-x=" + b"y" * 200 + b"\0"
    made = ShimPeer(folder, lambda words: greet_back(words[1], environ=environ))
    yield made
    with suppress(OSError):
        made.die()


def open_link(folder: Path) -> ShimLink:
    return ShimLink(folder, clock=SystemClock(), ids=RandomIds())


def test_a_folder_that_was_not_prepared_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"io/control.*worker\.shim\.install"):
        open_link(tmp_path)


def test_a_shim_that_answers_is_known_with_its_environment(folder: Path, peer: ShimPeer) -> None:
    link = open_link(folder)

    link.connect(5)

    assert link.shim == "S"
    assert link.environment == {"PATH": "/bin", "my-x": "y" * 200}
    link.release()


def test_what_was_said_before_and_to_others_is_passed_over(folder: Path, peer: ShimPeer) -> None:
    peer.tell("here x OTHER", "QQ==", "end x", "done OTHER t exit 0", "here")
    link = open_link(folder)

    link.connect(5)

    assert link.shim == "S"
    assert link.environment["PATH"] == "/bin"
    link.release()


def test_a_shim_that_starts_meanwhile_is_greeted_again(folder: Path) -> None:
    answers = iter([["here - NEW"], []])
    peer = ShimPeer(folder, lambda words: next(answers) or greet_back(words[1], "NEW"))
    link = open_link(folder)

    link.connect(5)

    assert link.shim == "NEW"
    assert len(peer.said) == 2
    assert len(set(peer.said)) == 1
    link.release()
    peer.die()


def test_an_answer_that_was_garbled_is_no_answer(folder: Path) -> None:
    peer = ShimPeer(folder, lambda words: [f"here {words[1]} S", "QQQQQ", f"end {words[1]}"])
    link = open_link(folder)

    with pytest.raises(UnavailableError):
        link.connect(0.05)

    link.release()
    peer.die()


def test_a_shim_that_does_not_answer_is_not_waited_for_for_ever(folder: Path) -> None:
    peer = ShimPeer(folder, lambda _words: [])
    link = open_link(folder)

    with pytest.raises(UnavailableError, match="within 0 s") as caught:
        link.connect(0.05)

    assert caught.value.code == ErrorCode.SANDBOX_UNAVAILABLE
    assert link.shim is None
    link.release()
    peer.die()


def test_close_ends_a_wait(folder: Path) -> None:
    peer = ShimPeer(folder, lambda _words: [])
    link = open_link(folder)
    threading.Timer(0.05, link.close).start()

    with pytest.raises(FailedError, match="closed"):
        link.connect(30)

    link.close()
    link.release()
    link.release()
    peer.die()


def test_the_end_of_a_shim_is_noticed(folder: Path, peer: ShimPeer) -> None:
    link = open_link(folder)
    link.connect(5)
    names = []
    link.notice_end()
    names.append(link.shim)

    peer.die()
    link.notice_end()
    names.append(link.shim)

    assert names == ["S", None]
    link.release()


def test_the_end_of_a_shim_whose_successor_is_there_is_noticed(
    folder: Path, peer: ShimPeer
) -> None:
    link = open_link(folder)
    link.connect(5)
    peer.tell("here - NEXT")

    link.notice_end()

    assert link.shim is None
    link.release()


def test_messages_that_nobody_reads_hold_nobody_up(folder: Path, peer: ShimPeer) -> None:
    peer.die()
    link = open_link(folder)

    for _ in range(2000):
        link.tell("poke " + "x" * 64)

    link.release()
