"""The example docs/examples/word-count, on English texts that Python itself ships."""

import re
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

from pfs_provider import Pfs

SPECS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "word-count" / "pipelines.yaml"
FIRST = ("pass", "break")
ONE_MORE = "continue"


def _count(*names: str) -> dict[str, int]:
    """Return what the example is to find, counted in another way."""
    return dict(
        Counter(word.lower() for name in names for word in re.findall(r"[A-Za-z]+", topics[name]))
    )


def _read(pfs: Pfs, repo: str) -> dict[str, int]:
    files = list(pfs.list_files(f"{repo}@master:/"))
    return {
        file.path.lstrip("/"): int(pfs.read_file(f"{repo}@master:{file.path}")) for file in files
    }


def test_words_are_counted_and_only_those_of_a_new_text_again(tmp_path: Path) -> None:
    with Pfs(home=tmp_path) as pfs:
        pfs.create_repo("texts")
        pfs.create_pipeline(SPECS)
        with pfs.commit("texts@master") as commit:
            for name in FIRST:
                commit.put_file(f"/{name}.txt", topics[name].encode())
        first = {job.pipeline: job for job in pfs.run()}
        found = _read(pfs, "reduce")
        with pfs.commit("texts@master") as commit:
            commit.put_file(f"/{ONE_MORE}.txt", topics[ONE_MORE].encode())
        second = {job.pipeline: job for job in pfs.run()}
        found_again = _read(pfs, "reduce")

    before, added = _count(*FIRST), _count(ONE_MORE)
    assert {job.state for job in [*first.values(), *second.values()]} == {"success"}
    assert found == before
    assert (first["map"].processed, first["map"].total) == (2, 2)
    assert first["reduce"].total == len(before)
    assert found_again == _count(*FIRST, ONE_MORE)
    assert (second["map"].processed, second["map"].skipped) == (1, 2)
    assert second["reduce"].processed == len(added)
    assert second["reduce"].skipped == len(before.keys() - added.keys())
