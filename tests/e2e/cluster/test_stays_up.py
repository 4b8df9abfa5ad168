"""A program that stays up in pods, in an image that has a shell and nothing of ours."""

from typing import Any

import pytest

from pfs_provider.pfs import Pfs

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(300)]

N_DATUMS = 12


def test_a_program_is_started_once_for_each_pod_and_again_where_it_ended(
    pfs: Pfs, options: dict[str, Any]
) -> None:
    pfs.create_repo("numbers")
    pfs.create_pipeline(
        {
            "pipeline": {"name": "doubled"},
            "transform": {
                "cmd": ["sh"],
                "stdin": [
                    "echo begun",
                    "while pachctl next datum; do",
                    "  . /pfs/.env",
                    "  case $numbers in */03) mkdir /tmp/tried && exit 3;; esac",
                    "  cat $numbers $numbers > /pfs/out/$(basename $numbers)",
                    "  chmod 600 /pfs/out/$(basename $numbers)",
                    "done",
                ],
                "datum_batching": True,
            },
            "input": {"pfs": {"repo": "numbers", "glob": "/*"}},
            "parallelism_spec": {"constant": 2},
            "datum_tries": 3,
        }
    )
    with pfs.commit("numbers@master") as commit:
        for number in range(N_DATUMS):
            commit.put_file(f"/{number:02d}", f"{number}\n".encode())

    [job] = pfs.run("doubled", launcher="kubernetes", cluster=options)

    assert (job.state, job.processed, job.failed) == ("success", N_DATUMS, 0)
    read = {
        f.path: pfs.read_file(f"doubled@master:{f.path}")
        for f in pfs.list_files("doubled@master:/")
    }
    assert read == {f"/{n:02d}": f"{n}\n{n}\n".encode() for n in range(N_DATUMS)}
    tries = {d.files[0].rpartition("/")[2]: d.tries for d in pfs.list_datums(f"doubled@{job.id}")}
    assert tries["03"] == 2
    lines = [line.text for line in pfs.logs(pipeline="doubled")]
    assert 1 <= lines.count("begun") <= 3  # of two pods, one may have been too late for a datum
