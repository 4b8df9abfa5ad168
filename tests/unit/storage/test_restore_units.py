from pfs_provider.storage.restore_units import chunked_rows, cut_runs
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import Chunked, Empty, Entry, InPack, Place


def entry(place: Place) -> Entry:
    return Entry(digest=bytes(32), size=10, place=place)


def raw(pack: int, offset: int) -> Entry:
    name = bytes([pack]) * 32
    return entry(InPack(pack=name, offset=offset, stored_size=10, inner_offset=0, compressed=False))


def test_neighbours_in_a_pack_are_read_together_and_far_ones_apart() -> None:
    rows = Rows.from_entries(
        [
            ("/d/a", raw(1, 500)),
            ("/d/b", raw(1, 5)),
            ("/d/c", raw(2, 5)),
            ("/d/d", raw(1, 5_000_000)),
            ("/d/e", entry(Empty())),
            ("/d/f", entry(Chunked())),
        ]
    )

    runs = [(run.pack[0], run.start, run.stop, run.names) for run in cut_runs(rows, 3)]

    assert sorted(runs) == [
        (0, 0, 0, [b"e"]),
        (1, 5, 510, [b"b", b"a"]),
        (1, 5_000_000, 5_000_010, [b"d"]),
        (2, 5, 15, [b"c"]),
    ]
    assert chunked_rows(rows) == [5]


def test_a_run_is_not_longer_than_what_is_read_at_once() -> None:
    rows = Rows.from_entries((f"/{n:04d}", raw(1, n * 100_000)) for n in range(200))

    runs = list(cut_runs(rows, 1))

    assert sum(len(run.names) for run in runs) == 200
    assert max(run.stop - run.start for run in runs) < 9 << 20
