"""Lay out the pictures of /pfs/images, each beside its edges, on one sheet."""

import math
import os
from pathlib import Path

from PIL import Image, ImageOps

# PFS_ROOT is /pfs, but where a machine allows no mount namespaces.
ROOT = Path(os.environ.get("PFS_ROOT", "/pfs"))
TILE = (320, 240)
GAP = 8
PAIRS_PER_ROW = 2
PAPER = (24, 24, 28)


def read_tile(path: Path) -> Image.Image:
    """Return a picture fitted into a tile."""
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    return ImageOps.pad(upright, TILE, color=PAPER)


def main() -> None:
    """Write the sheet."""
    images, edges = ROOT / "images", ROOT / "edges"
    pairs = [
        (path, edges / path.relative_to(images).with_suffix(".png"))
        for path in sorted(images.rglob("*"))
        if path.is_file()
    ]
    columns = 2 * min(PAIRS_PER_ROW, max(len(pairs), 1))
    rows = max(math.ceil(len(pairs) / PAIRS_PER_ROW), 1)
    step_x, step_y = TILE[0] + GAP, TILE[1] + GAP
    sheet = Image.new("RGB", (columns * step_x + GAP, rows * step_y + GAP), PAPER)
    tiles = [path for pair in pairs for path in pair]
    for place, path in enumerate(tiles):
        row, column = divmod(place, columns)
        if path.is_file():
            sheet.paste(read_tile(path), (GAP + column * step_x, GAP + row * step_y))
    sheet.save(ROOT / "out" / "montage.png")
    print(f"{len(pairs)} pictures, {sheet.width} x {sheet.height}")


main()
