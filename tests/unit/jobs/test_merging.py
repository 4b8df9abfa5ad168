"""From datum results to an output tree."""

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.jobs.memo import read_record, write_records
from pfs_provider.jobs.merging import NOTHING, Base, merge_in_order, merge_outputs
from pfs_provider.jobs.records import MemoRecord
from pfs_provider.sorting import Sorter
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from tests.pfs_world import PfsWorld

Outputs = dict[str, dict[str, str]]
"""For each datum, named by one letter, the files that it wrote."""


@pytest.fixture
def storage(world: PfsWorld) -> Storage:
    return world.storage


def _id(name: str) -> bytes:
    return name.encode() * 16


def _manifest(storage: Storage, outputs: Outputs) -> TreeRef:
    records = []
    for name, contents in outputs.items():
        writer = ContentWriter(storage, datum=_id(name))
        for path, text in contents.items():
            writer.put_bytes(path, text.encode())
        (rows,) = writer.finish()
        key = repr((name, contents)).encode()[:32].ljust(32)
        records.append(MemoRecord(id=_id(name), key=key, pieces=[], rows=rows.encode()))
    rows, _ = write_records(storage, records)
    return apply_changes(storage, EMPTY_TREE, deletes=(), rows=rows)


def _read(storage: Storage, tree: TreeRef) -> dict[str, str]:
    return {
        path: b"".join(read_entry(storage, entry)).decode()
        for path, entry in iter_entries(storage, tree)
    }


def _base(storage: Storage, outputs: Outputs) -> Base:
    manifest = _manifest(storage, outputs)
    return Base(manifest=manifest, output=merge_outputs(storage, manifest, NOTHING))


def test_outputs_of_all_datums_are_joined(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/1": "x", "/2": "y"}, "b": {"/3": "z"}, "c": {}})

    tree = merge_outputs(storage, manifest, NOTHING)

    assert _read(storage, tree) == {"/1": "x", "/2": "y", "/3": "z"}


NEXT: list[Outputs] = [
    {},
    {"a": {"/1": "x"}},
    {"a": {"/1": "changed"}, "b": {"/2": "y"}},
    {"a": {"/1/deep": "x"}, "b": {"/2": "y"}},
    {"a": {"/2": "y"}, "b": {"/1": "x"}},
    {"b": {"/2": "y"}, "c": {"/1": "from another"}},
]


@pytest.mark.parametrize("outputs", NEXT)
def test_a_merge_onto_an_earlier_job_equals_one_from_nothing(
    storage: Storage, outputs: Outputs
) -> None:
    base = _base(storage, {"a": {"/1": "x"}, "b": {"/2": "y"}})
    manifest = _manifest(storage, outputs)

    assert merge_outputs(storage, manifest, base) == merge_outputs(storage, manifest, NOTHING)


def test_two_new_datums_on_one_path_are_both_named(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/same": "x"}, "b": {"/same": "y"}})

    with pytest.raises(ConflictError) as raised:
        merge_outputs(storage, manifest, NOTHING)

    assert raised.value.code == ErrorCode.OUTPUT_CONFLICT
    assert "/same" in str(raised.value)
    assert set(raised.value.fields["datums"]) == {_id("a").hex(), _id("b").hex()}


def test_a_new_datum_on_the_path_of_an_old_one_is_a_conflict_too(storage: Storage) -> None:
    base = _base(storage, {"a": {"/same": "x"}})
    manifest = _manifest(storage, {"a": {"/same": "x"}, "b": {"/same": "y"}})

    with pytest.raises(ConflictError) as raised:
        merge_outputs(storage, manifest, base)

    assert set(raised.value.fields["datums"]) == {_id("a").hex(), _id("b").hex()}


def test_a_file_where_another_wrote_a_directory_is_a_conflict(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/x": "1"}, "b": {"/x/y": "2"}})

    with pytest.raises(ConflictError) as raised:
        merge_outputs(storage, manifest, NOTHING)

    assert raised.value.code == ErrorCode.PATH_CONFLICT


def test_the_later_datum_wins_where_overwriting_is_allowed(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/s": "1", "/a": "a"}, "b": {"/s": "2"}})

    forth = merge_in_order(storage, manifest, [_id("a"), _id("b")], policy="overwrite")
    back = merge_in_order(storage, manifest, [_id("b"), _id("a")], policy="overwrite")

    assert _read(storage, forth) == {"/a": "a", "/s": "2"}
    assert _read(storage, back) == {"/a": "a", "/s": "1"}


def test_pieces_are_joined_in_datum_order(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/s": "1"}, "b": {"/s": "2"}, "c": {"/s": "3", "/c": "c"}})

    tree = merge_in_order(storage, manifest, [_id(name) for name in "cab"], policy="concat")

    assert _read(storage, tree) == {"/c": "c", "/s": "312"}


def test_a_datum_that_did_not_succeed_is_left_out(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/s": "1"}})

    tree = merge_in_order(storage, manifest, [_id("a"), _id("failed")], policy="concat")

    assert _read(storage, tree) == {"/s": "1"}


def test_a_record_that_was_just_written_need_not_be_read(storage: Storage) -> None:
    manifest = _manifest(storage, {"a": {"/x": "1"}})
    [(_, entry)] = iter_entries(storage, manifest)
    record = read_record(storage, entry)
    other = _manifest(storage, {"a": {"/y": "2"}})
    [(_, other_entry)] = iter_entries(storage, other)

    with Sorter() as fresh:
        fresh.add(record.id, read_record(storage, other_entry).rows)
        tree = merge_outputs(storage, manifest, NOTHING, fresh)

    assert [path for path, _ in iter_entries(storage, tree)] == ["/y"]
