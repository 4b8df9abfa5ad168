"""Write argo_templates/ again from pfs_provider/argo.

argo_templates.py [FOLDER]
"""

import shutil
import sys
from pathlib import Path

from pfs_provider.argo.rendering import render_files

FOLDER = Path(__file__).resolve().parent.parent / "argo_templates"


def main() -> None:
    """Replace all files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in render_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
