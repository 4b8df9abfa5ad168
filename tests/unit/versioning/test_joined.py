"""Blocks as one file."""

from collections.abc import Iterator

import pytest

from pfs_provider.versioning.joined import join_blocks


@pytest.mark.parametrize(
    "blocks", [[], [b""], [b"", b"a", b"", b"bc", b""], [b"x" * 100_000, b"y" * 3]]
)
def test_blocks_read_as_one_file(blocks: list[bytes]) -> None:
    with join_blocks(blocks) as stream:
        assert stream.read(7) + stream.read() == b"".join(blocks)
        assert stream.read() == b""


def test_a_block_is_asked_for_when_it_is_needed() -> None:
    asked: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(5):
            asked.append(number)
            yield b"x" * 1_000_000

    with join_blocks(blocks()) as stream:
        stream.read(10)

    assert asked == [0]
