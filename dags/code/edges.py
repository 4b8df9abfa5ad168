"""Write the edges of every picture in /pfs/images to /pfs/out, as PNG."""

import os
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

# PFS_ROOT is /pfs, but where a machine allows no mount namespaces.
ROOT = Path(os.environ.get("PFS_ROOT", "/pfs"))
IMAGES = ROOT / "images"
OUT = ROOT / "out"

for path in sorted(IMAGES.rglob("*")):
    if not path.is_file():
        continue
    with Image.open(path) as picture:
        gray = ImageOps.exif_transpose(picture).convert("L")
        edges = gray.filter(ImageFilter.GaussianBlur(1.5)).filter(ImageFilter.FIND_EDGES)
    # The filter leaves a bright frame where it runs over the border.
    edges = ImageOps.autocontrast(ImageOps.crop(edges, border=2), cutoff=1)
    target = (OUT / path.relative_to(IMAGES)).with_suffix(".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    edges.save(target)
    print(f"{path.name}: {edges.width} x {edges.height}")
