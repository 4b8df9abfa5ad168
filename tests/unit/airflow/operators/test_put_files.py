from pathlib import Path

import pytest

from pfs_provider.airflow.operators.put_files import PfsPutFilesOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context


@pytest.fixture
def folder(tmp_path: Path, pfs_home: Path) -> Path:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
    made = tmp_path / "photos"
    (made / "deep").mkdir(parents=True)
    (made / "a.png").write_bytes(b"a")
    (made / "deep" / "b.png").write_bytes(b"b")
    return made


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        ("photos", None, ["/a.png", "/deep/b.png"]),
        ("photos", "/x", ["/x/a.png", "/x/deep/b.png"]),
        ("photos/a.png", None, ["/a.png"]),
        ("photos/a.png", "/y/c.png", ["/y/c.png"]),
    ],
    ids=["folder", "folder below", "file", "file renamed"],
)
def test_a_source_becomes_one_commit(
    folder: Path, pfs_home: Path, source: str, path: str | None, expected: list[str]
) -> None:
    context = task_context()

    commit = PfsPutFilesOperator(
        task_id="put", source=str(folder.parent / source), branch="images@master", path=path
    ).execute(context)

    with Pfs(home=pfs_home) as pfs:
        files = [file.path for file in pfs.glob_files(f"images@{commit}", "/**")]
    assert files == expected
    assert context["ti"].pushed == {"pfs_commit": f"images@{commit}"}
