"""Ids, keys and code digests are stored: memos and results are found by them.

A change here makes every pipeline process all its datums again, and strands the results of running
jobs. It needs a new number in the tags of pfs_provider/datums/identity.py.
"""

from collections.abc import Callable

from pfs_provider.datums.identity import code_digest, datum_id, datum_key, whole_digest
from tests.unit.datums.examples import datum, pfs, piece, spec_of

DATUMS = {
    "one file": datum(piece("/liberty.png")),
    "a folder": datum(piece("/batch", is_dir=True)),
    "the root": datum(piece("/", is_dir=True)),
    "not ascii": datum(piece("/Ærø/日本.png", project="vision", branch="v1", name="in")),
    "two inputs": datum(piece("/1", repo="b"), piece("/2", repo="a", digest=bytes(range(32)))),
    "a reference": datum(piece("/1", repo="a"), piece("/r", repo="b", reference=True)),
    "joined": datum(piece("/1-x", repo="a", join_on="x"), piece("/2-x", repo="b", join_on="x")),
    "grouped": datum(piece("/1", group_by=""), piece("/2", group_by="")),
    "all flags": datum(piece("/1", lazy=True, empty_files=True, s3=True)),
}
SPECS = {
    "small": spec_of(pfs("images")),
    "large": spec_of(
        pfs("images"),
        transform={
            "image": "python:3.12",
            "cmd": ["python3", "/ä.py"],
            "stdin": ["a", "b"],
            "err_cmd": ["true"],
            "err_stdin": ["c"],
            "env": {"B": "2", "A": "1"},
            "working_dir": "/app",
        },
        salt="s",
        s3_out=True,
    ),
    "without code": spec_of(pfs("images"), reprocess_on_code_change=False),
}


def test_ids_and_keys_stay_as_they_are(golden: Callable[[str, bytes], None]) -> None:
    code = code_digest(SPECS["small"])
    lines = [
        f"{name}\t{datum_id(each).hex()}\t{datum_key(each, code).hex()}\n"
        for name, each in DATUMS.items()
    ]

    golden("datums/ids-and-keys.tsv", "".join(lines).encode())


def test_code_digests_stay_as_they_are(golden: Callable[[str, bytes], None]) -> None:
    lines = [f"{name}\t{code_digest(spec).hex()}\n" for name, spec in SPECS.items()]
    whole = whole_digest(DATUMS.values(), code_digest(SPECS["large"]))
    lines.append(f"a whole input\t{whole.hex()}\n")

    golden("datums/code-digests.tsv", "".join(lines).encode())
