"""The photographs of the demo: real ones that scikit-image ships in its wheel."""

import shutil
from importlib.util import find_spec
from pathlib import Path

__all__ = ["FIRST", "ONE_MORE", "copy_photographs"]

FIRST = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg")
ONE_MORE = "hubble_deep_field.jpg"


def copy_photographs(names: tuple[str, ...], folder: Path) -> None:
    """Copy photographs of the installed package into a folder.

    Raises:
        FileNotFoundError: The package or the photograph is not there; ``make setup`` brings them.
    """
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("scikit-image is not installed: run `make setup`")
    data = Path(spec.origin).parent / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(data / name, folder / name)
