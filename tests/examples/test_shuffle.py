"""The example docs/examples/shuffle, on photographs that scikit-image ships."""

from pathlib import Path

import skimage

from pfs_provider import Pfs

SPEC = Path(__file__).resolve().parents[2] / "docs" / "examples" / "shuffle" / "pipeline.yaml"
NAMES = ("chelsea.png", "coffee.png", "rocket.jpg")


def test_files_are_sorted_into_folders_with_their_content(tmp_path: Path) -> None:
    folder = Path(skimage.__file__).parent / "data"
    with Pfs(home=tmp_path) as pfs:
        pfs.create_repo("photographs")
        with pfs.commit("photographs@master") as commit:
            for name in NAMES:
                commit.put_file(f"/{name}", folder / name)
        pfs.create_pipeline(SPEC)
        (job,) = pfs.run()
        given = {file.path: file.digest for file in pfs.list_files("photographs@master:/")}
        sorted_ = {file.path: file.digest for file in pfs.glob_files("by_kind@master", "/**")}

    assert (job.state, job.total) == ("success", 3)
    assert sorted_ == {f"/{name.rpartition('.')[2]}/{name}": given[f"/{name}"] for name in NAMES}
