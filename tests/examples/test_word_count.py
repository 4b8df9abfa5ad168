"""The example docs/examples/word-count, on English texts that Python itself ships."""

import re
from collections import Counter
from pydoc_data.topics import topics

from tests.examples.home import Home

FIRST = ("pass", "break")
ONE_MORE = "continue"


def _texts(*names: str) -> dict[str, bytes]:
    return {f"/{name}.txt": topics[name].encode() for name in names}


def _count(*names: str) -> dict[str, int]:
    """Return what the example is to find, counted in another way."""
    return dict(
        Counter(word.lower() for name in names for word in re.findall(r"[A-Za-z]+", topics[name]))
    )


def _found(home: Home) -> dict[str, int]:
    return {path.lstrip("/"): int(data) for path, data in home.read("reduce@master").items()}


def test_words_are_counted_and_only_those_of_a_new_text_again(home: Home) -> None:
    before, added = _count(*FIRST), _count(ONE_MORE)
    kept = before.keys() - added.keys()
    home.create("word-count", "texts")

    home.put("texts@master", _texts(*FIRST))
    first = home.run()
    found = _found(home)
    home.put("texts@master", _texts(ONE_MORE))
    second = home.run()

    assert first == {"map": "2 + 0 / 2", "reduce": f"{len(before)} + 0 / {len(before)}"}
    assert found == before
    n_words = len(kept) + len(added)
    assert second == {"map": "1 + 2 / 3", "reduce": f"{len(added)} + {len(kept)} / {n_words}"}
    assert _found(home) == _count(*FIRST, ONE_MORE)
