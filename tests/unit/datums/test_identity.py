from dataclasses import replace

import pytest

from pfs_provider.datums.datum import Datum
from pfs_provider.datums.identity import (
    DATUM_ID_BYTES,
    code_digest,
    datum_id,
    datum_key,
    whole_digest,
)
from pfs_provider.spec.model import Secret
from tests.unit.datums.examples import datum, pfs, piece, spec_of

CODE = b"c" * 32
PLAIN = datum(piece())
SPEC = spec_of(pfs("images"))


def test_ids_and_keys_have_their_length() -> None:
    assert len(datum_id(PLAIN)) == DATUM_ID_BYTES
    assert len(datum_key(PLAIN, CODE)) == 32
    assert len(code_digest(SPEC)) == 32


def test_the_id_does_not_depend_on_content() -> None:
    other = datum(piece(digest=b"e" * 32, size=9))

    assert datum_id(other) == datum_id(PLAIN)
    assert datum_key(other, CODE) != datum_key(PLAIN, CODE)


@pytest.mark.parametrize(
    "other",
    [
        datum(piece("/b")),
        datum(piece(name="x")),
        datum(piece(repo="b", name="images")),
        datum(piece(branch="v1")),
        datum(piece(project="vision")),
        datum(piece(), piece("/b")),
    ],
)
def test_the_id_depends_on_name_repo_branch_and_path(other: Datum) -> None:
    assert datum_id(other) != datum_id(PLAIN)


def test_neither_depends_on_the_order_of_inputs() -> None:
    one, two = piece("/1", repo="a"), piece("/2", repo="b")

    assert datum_id(datum(one, two)) == datum_id(datum(two, one))
    assert datum_key(datum(one, two), CODE) == datum_key(datum(two, one), CODE)


@pytest.mark.parametrize(
    "other",
    [
        datum(piece("/b")),
        datum(piece(name="x")),
        datum(piece(is_dir=True)),
        datum(piece(empty_files=True)),
        datum(piece(lazy=True)),
        datum(piece(s3=True)),
        datum(piece(join_on="")),
        datum(piece(join_on="k")),
        datum(piece(group_by="k")),
    ],
)
def test_the_key_depends_on_all_that_the_code_can_see(other: Datum) -> None:
    assert datum_key(other, CODE) != datum_key(PLAIN, CODE)


@pytest.mark.parametrize(
    "other", [datum(piece(branch="v1")), datum(piece(repo="b", name="images"))]
)
def test_the_key_does_not_depend_on_where_equal_content_lies(other: Datum) -> None:
    assert datum_key(other, CODE) == datum_key(PLAIN, CODE)


def test_a_reference_counts_by_its_path_but_not_by_its_content() -> None:
    old = datum(piece("/1", repo="a"), piece("/r", repo="b", reference=True))
    changed = datum(piece("/1", repo="a"), piece("/r", repo="b", reference=True, digest=b"e" * 32))
    other = datum(piece("/1", repo="a"), piece("/s", repo="b", reference=True))

    assert datum_key(changed, CODE) == datum_key(old, CODE)
    assert datum_key(other, CODE) != datum_key(old, CODE)


def test_the_key_depends_on_the_code_and_what_is_added_to_it() -> None:
    keys = {datum_key(PLAIN, code) for code in (CODE, b"d" * 32, CODE + b"epoch", b"")}

    assert len(keys) == 4


def test_fields_cannot_run_into_each_other() -> None:
    one = datum(piece("/ab", repo="x"), piece("/c", repo="x"))
    two = datum(piece("/a", repo="x"), piece("/bc", repo="x"))

    assert datum_id(one) != datum_id(two)


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "python:3.12"},
        {"cmd": ("y",)},
        {"cmd": ("x", "")},
        {"stdin": ("x",)},
        {"err_cmd": ("x",)},
        {"err_stdin": ("x",)},
        {"env": {"A": "b"}},
        {"working_dir": "/app"},
    ],
    ids=str,
)
def test_the_code_digest_depends_on_the_code(changes: dict[str, object]) -> None:
    other = replace(SPEC, transform=replace(SPEC.transform, **changes))  # type: ignore[arg-type]  # by name

    assert code_digest(other) != code_digest(SPEC)


def test_the_code_digest_depends_on_salt_output_mode_and_the_image_itself() -> None:
    digests = {
        code_digest(SPEC),
        code_digest(replace(SPEC, salt="x")),
        code_digest(replace(SPEC, s3_out=True)),
        code_digest(SPEC, image_digest="sha256:00"),
    }

    assert len(digests) == 4


def test_the_code_digest_does_not_depend_on_how_the_code_is_run() -> None:
    transform = replace(SPEC.transform, secrets=(Secret(name="s", mount_path="/s"),), user="1000")
    other = replace(SPEC, transform=transform, description="x", datum_tries=7)

    assert code_digest(other) == code_digest(SPEC)


def test_the_order_of_env_does_not_matter() -> None:
    here = spec_of(pfs("a"), transform={"cmd": ["x"], "env": {"A": "1", "B": "2"}})
    there = spec_of(pfs("a"), transform={"cmd": ["x"], "env": {"B": "2", "A": "1"}})

    assert code_digest(here) == code_digest(there)


def test_a_pipeline_may_leave_the_code_out_of_its_keys() -> None:
    kept = replace(SPEC, reprocess_on_code_change=False)
    other = replace(kept, transform=replace(kept.transform, cmd=("y",)))

    assert code_digest(other) == code_digest(kept)
    assert code_digest(replace(kept, salt="x")) != code_digest(kept)


def test_the_digest_of_a_whole_input_depends_on_every_datum_and_the_code() -> None:
    other = datum(piece("/other"))
    digests = {
        whole_digest([PLAIN], CODE),
        whole_digest([PLAIN, other], CODE),
        whole_digest([PLAIN, datum(piece("/other", digest=b"e" * 32))], CODE),
        whole_digest([], CODE),
        whole_digest([PLAIN], b"other"),
    }

    assert len(digests) == 5
    assert whole_digest(iter([PLAIN, other]), CODE) == whole_digest([PLAIN, other], CODE)
