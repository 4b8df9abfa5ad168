"""The example docs/examples/scheduled-training, on Fisher's irises, which scikit-learn ships."""

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris

from pfs_provider.infos import CommitInfo
from tests.e2e.shell import Shell
from tests.examples.home import Home

pytestmark = pytest.mark.timeout(600)

IRIS = load_iris()
SPECIES = [str(name) for name in IRIS.target_names]
N_BATCHES = 5


def _batch(number: int) -> bytes:
    """Every fifth flower: a batch holds ten of each species."""
    rows = zip(IRIS.data.tolist(), IRIS.target, strict=True)
    chosen = [row for place, row in enumerate(rows) if place % N_BATCHES == number]
    return "".join(f"{','.join(map(str, x))},{SPECIES[y]}\n" for x, y in chosen).encode()


def _put(home: Home, *numbers: int) -> str:
    return home.put("measurements@master", {f"/{n}.csv": _batch(n) for n in numbers})


def _ask(port: int, rows: list[list[float]] | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what is answered, and the headers that tell of the model; nothing from nobody."""
    data = None if rows is None else json.dumps(rows).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=data)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer), {
                name: value for name, value in answer.headers.items() if name.startswith("Model-")
            }
    except OSError:
        return {}, {}


def _wait(port: int, **wanted: object) -> dict[str, Any]:
    """Wait for an answer that says so, as long as the whole test may take."""
    while True:
        found, _ = _ask(port)
        if found and wanted.items() <= found.items():
            return found
        time.sleep(0.2)


def _commits_behind(home: Home, model: str) -> int:
    """Return how many commits the data have had since those that a model has seen."""
    (seen,) = (
        link.id
        for link in home.pfs.provenance(model)
        if isinstance(link, CommitInfo) and link.repo == "measurements"
    )
    return [commit.id for commit in home.pfs.list_commits("measurements")].index(seen)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def watched(home: Home, tmp_path: Path, port: int) -> Iterator[Home]:
    """The example's pipelines, kept up by another process."""
    home.create("scheduled-training", "measurements", replace={"8080": str(port)})
    runner = Shell(folder=tmp_path).start("run", "--watch")
    yield home
    runner.kill()
    runner.communicate()


def test_a_service_answers_with_the_last_trained_model_and_tells_its_lag(
    watched: Home, port: int
) -> None:
    pfs = watched.pfs
    _put(watched, 0)
    _put(watched, 1)
    pfs.run_cron("train")
    fresh = _wait(port, commits_behind=0)
    answer, headers = _ask(port, IRIS.data[[0, 75, 149]].tolist())

    _put(watched, 2)
    _wait(port, commits_behind=1)
    _put(watched, 3, 4)
    stale = _wait(port, commits_behind=2)
    lag = _commits_behind(watched, stale["model"])
    trained = [job.state for job in pfs.list_jobs("train")]

    pfs.run_cron("train")
    again = _wait(port, commits_behind=0, rows=len(IRIS.data))

    assert (fresh["rows"], fresh["seconds_behind"]) == (60, 0)
    assert answer["species"] == ["setosa", "versicolor", "virginica"]
    assert headers == {"Model-Commit": fresh["model"], "Model-Commits-Behind": "0"}
    assert stale["model"] == fresh["model"]
    assert lag == 2
    assert stale["age_s"] >= stale["seconds_behind"] > 0
    assert trained == ["success"], "data alone train nothing"
    assert again["model"] == f"train@{pfs.inspect_branch('train@master').head}"
    assert again["data"] == f"measurements@{pfs.inspect_branch('measurements@master').head}"
    assert _commits_behind(watched, again["model"]) == 0
    pfs.stop_pipeline("predict")
