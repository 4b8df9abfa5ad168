"""Secrets in a stream."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.worker.executors.masks import MASK, Masker, find_secrets

LETTERS = st.binary(min_size=1, max_size=6).map(lambda data: bytes(b"ab\n"[n % 3] for n in data))


def _masked(secrets: tuple[bytes, ...], *blocks: bytes) -> bytes:
    masker = Masker(secrets)
    return b"".join([*map(masker.take, blocks), masker.end()])


@given(
    secrets=st.lists(LETTERS, max_size=4).map(tuple),
    blocks=st.lists(st.one_of(LETTERS, st.just(b"")), max_size=12),
)
def test_where_a_stream_is_cut_makes_no_difference(
    secrets: tuple[bytes, ...], blocks: list[bytes]
) -> None:
    """The alphabet is small, so that secrets overlap, hold and begin each other."""
    words = sorted(set(secrets), key=len, reverse=True)
    whole = b"".join(blocks)
    want = re.sub(b"|".join(map(re.escape, words)), MASK, whole) if words else whole

    assert _masked(secrets, *blocks) == want


@given(
    secret=st.binary(min_size=5, max_size=40),
    before=st.binary(max_size=50),
    after=st.binary(max_size=50),
    size=st.integers(1, 60),
)
def test_no_secret_gets_through(secret: bytes, before: bytes, after: bytes, size: int) -> None:
    text = before + secret + after
    blocks = [text[at : at + size] for at in range(0, len(text), size)]

    assert MASK in _masked((secret,), *blocks)
    assert secret not in _masked((secret,), *blocks) or secret in before + MASK + after


def test_what_begins_no_secret_is_shown_at_once() -> None:
    masker = Masker((b"hunter2",))

    assert masker.take(b"the hun") == b"the "
    assert masker.take(b"t is on\n") == b"hunt is on\n"
    assert masker.take(b"hunter") == b""
    assert masker.end() == b"hunter"


def test_a_longer_secret_is_waited_for() -> None:
    masker = Masker((b"pass1", b"pass1word"))

    assert masker.take(b"pass1") == b""
    assert masker.take(b"word!") == b"***!"
    assert masker.take(b"pass1wo") + masker.take(b"x") + masker.end() == b"***wox"


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("hunter2", (b"hunter2",)),
        ("hunter2\n", (b"hunter2\n", b"hunter2")),
        ("1234", ()),
        ("", ()),
        ("first line\nab\nsecond", (b"first line\nab\nsecond", b"first line", b"second")),
        ("pass\udcffword", (b"pass\xffword",)),
    ],
    ids=["plain", "newline", "short", "empty", "lines", "bytes"],
)
def test_what_is_hidden_of_a_value(value: str, hidden: tuple[bytes, ...]) -> None:
    assert find_secrets([value]) == hidden
