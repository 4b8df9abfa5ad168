"""The example docs/examples/shuffle, on photographs that scikit-image ships."""

from pathlib import Path

import skimage

from tests.examples.home import Home

FOLDER = Path(skimage.__file__).parent / "data"
NAMES = ("chelsea.png", "coffee.png", "rocket.jpg")


def test_files_are_sorted_into_folders_with_their_content(home: Home) -> None:
    home.create("shuffle", "photographs")

    home.put("photographs@master", {f"/{name}": FOLDER / name for name in NAMES})
    jobs = home.run()

    given = home.digests("photographs@master")
    assert jobs == {"by_kind": "3 + 0 / 3"}
    assert home.digests("by_kind@master") == {
        f"/{name.rpartition('.')[2]}/{name}": given[f"/{name}"] for name in NAMES
    }
