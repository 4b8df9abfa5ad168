"""Logs from outside: real workers, a real store in a folder, the command line's own verbs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.pfs import Pfs
from tests.pfs_world import spec

SECRET = "hunter2-hunter2"


@pytest.fixture
def pfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pfs]:
    monkeypatch.setenv("PFS_MAX_LOG_BYTES", str(1 << 16))
    monkeypatch.setenv("PFS_MASK_VARIABLES", "PIN, OTHER")
    monkeypatch.setenv("PFS_LEASE_S", "4")
    with Pfs(home=tmp_path / "home") as pfs:
        pfs.create_repo("in")
        with pfs.commit("in@master") as commit:
            commit.put_file("/a", b"1")
        yield pfs


def _create(pfs: Pfs, script: str) -> None:
    env = {"DB_PASSWORD": SECRET, "PIN": "12345", "USER": "somebody"}
    pfs.create_pipeline(spec("up", "sh", transform={"stdin": [script], "env": env}))


def test_of_much_output_the_first_and_the_last_are_kept_without_secrets(pfs: Pfs) -> None:
    lines = f"seq 1 200000; printf hunter; sleep 0.3; echo '2-{SECRET[8:]} $PIN'"
    _create(pfs, f"{lines}; echo $PIN $USER $DB_PASSWORD")

    (job,) = pfs.run()

    texts = [line.text for line in pfs.logs("up")]
    assert job.state == "success"
    assert texts[:3] == ["1", "2", "3"]
    assert texts[-2:] == ["*** $PIN", "*** somebody ***"]
    assert texts[-3] == "200000"
    assert sum(text.startswith("[log cut here") for text in texts) == 1
    assert 60_000 < sum(len(text) + 1 for text in texts) <= (1 << 16) + 100
    assert [line.text for line in pfs.logs("up", tail=2, inputs=["/a"])] == texts[-2:]
    assert [line.text for line in pfs.logs(follow=True, tail=1)] == texts[-1:]


def test_a_datums_log_is_followed_while_it_runs(pfs: Pfs) -> None:
    _create(pfs, "echo begun; sleep 300")
    thread = threading.Thread(target=pfs.run)
    thread.start()

    seen = []
    for line in pfs.logs("up", follow=True):
        seen.append(line.text)
        pfs.stop_job(f"up@{line.job}")  # the command would not end before the test's time is up

    thread.join()
    assert seen == ["begun"]
