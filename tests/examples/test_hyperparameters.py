"""The example docs/examples/hyperparameters, on Fisher's irises, which scikit-learn ships."""

import json
from pathlib import Path

import onnxruntime
import pytest
import sklearn.datasets
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from pfs_provider import Pfs
from pfs_provider.jobs.lineage import FileLink
from tests.examples.home import Home

pytestmark = pytest.mark.timeout(600)

DATA = Path(sklearn.datasets.__path__[0]) / "data" / "iris.csv"
IRIS = load_iris()
GRID = {"C": [1.0, 10.0], "gamma": [0.1, 1.0]}
MORE = 0.05


def _best(grid: dict[str, list[float]]) -> dict[str, float]:
    """Return what the example is to find, by scikit-learn's own search."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(SVC(), grid, cv=folds).fit(IRIS.data.astype("float32"), IRIS.target)
    return {**search.best_params_, "accuracy": round(search.best_score_, 4)}


def _put_grid(home: Home, grid: dict[str, list[float]]) -> None:
    names = {"C": "c", "gamma": "gamma"}
    texts = {f"/{names[name]}/{v:g}": str(v).encode() for name in grid for v in grid[name]}
    home.put("parameters@master", texts)


def _sources(pfs: Pfs, address: str) -> set[str]:
    """Return the users' files that a file was made of, without commits."""
    links = pfs.provenance(address)
    return {
        f"{link.repo}:{link.path}"
        for link in links
        if isinstance(link, FileLink) and link.datum is None
    }


def test_a_grid_is_trained_pair_by_pair_and_the_best_is_chosen(home: Home) -> None:
    home.create("hyperparameters", "measurements", "parameters")
    with home.pfs.transaction():
        home.put("measurements@master", {"/iris.csv": DATA})
        _put_grid(home, GRID)

    first = home.run()
    score = json.loads(home.pfs.read_file("best@master:/score.json"))
    chosen = f"C={score['C']:g},gamma={score['gamma']:g}"
    model = home.pfs.read_file("best@master:/model.onnx")
    sources = _sources(home.pfs, f"model@master:/{chosen}/model.onnx")
    all_sources = _sources(home.pfs, "best@master:/model.onnx")
    _put_grid(home, {"gamma": [MORE]})
    second = home.run()

    assert first == {"model": "4 + 0 / 4", "best": "1 + 0 / 1"}
    assert score == _best(GRID)
    assert (
        home.digests("model@master")[f"/{chosen}/model.onnx"]
        in home.digests("best@master").values()
    )
    assert sources == {
        "measurements:/iris.csv",
        f"parameters:/c/{score['C']:g}",
        f"parameters:/gamma/{score['gamma']:g}",
    }
    assert all_sources == {"measurements:/iris.csv"} | {
        f"parameters:/{folder}/{value:g}"
        for folder, values in (("c", GRID["C"]), ("gamma", GRID["gamma"]))
        for value in values
    }
    assert second == {"model": "2 + 4 / 6", "best": "1 + 0 / 1"}
    answers = onnxruntime.InferenceSession(model).run(None, {"X": IRIS.data.astype("float32")})[0]
    right = sum(int(answer) == wanted for answer, wanted in zip(answers, IRIS.target, strict=True))
    assert right >= 140
