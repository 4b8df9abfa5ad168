"""A Python function over every file of a repo, without a pipeline spec: ``@task.pfs_map``.

The function's source becomes user code: on this machine, or in pods where ``PFS_DEMO_LAUNCHER`` is
``kubernetes``; ``PFS_DEMO_IMAGE`` then names an image with Python and Pillow. A commit on
``images`` that changes one picture makes one thumbnail; a changed function makes all of them again.
"""

import os
from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task


@dag(
    dag_id="pfs_map_function",
    schedule=None,
    catchup=False,
    # A retry takes up the job that the last try left, and gives its commit.
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["pfs", "example"],
)
def map_function() -> None:
    """Make thumbnails of all pictures in the repo ``images``."""

    @task.pfs_map(
        input="images:/*",
        output="thumbnails",
        workers=2,
        launcher=os.environ.get("PFS_DEMO_LAUNCHER", "local"),
        image=os.environ.get("PFS_DEMO_IMAGE", "python-imaging:3"),
    )
    def thumbnails(images: Path, out: Path, size: int = 128) -> None:
        from PIL import Image  # noqa: PLC0415 # what the function imports, it imports itself

        for path in images.rglob("*.*"):
            with Image.open(path) as picture:
                small = picture.convert("RGB")
            small.thumbnail((size, size))
            small.save(out / f"{path.stem}.png")

    # The folders are given to it where it runs.
    thumbnails(size=96)  # type: ignore[call-arg, misc] # the decorator keeps the function's own type


map_function()
