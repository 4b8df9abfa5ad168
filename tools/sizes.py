"""Fail for a module that has outgrown one noun: more than 400 lines."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 400
FOLDERS = ("pfs_provider", "dags", "tools", "tests")


def main() -> None:
    """Print every module above the limit with its length."""
    found = list(find_long(ROOT))
    for path, length in found:
        print(f"{path}: {length} lines, and {MOST} is the most: give its second noun a file")
    sys.exit(1 if found else 0)


def find_long(root: Path) -> list[tuple[Path, int]]:
    """Return the modules above the limit, longest first."""
    modules = [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    lengths = [(path.relative_to(root), path.read_bytes().count(b"\n")) for path in modules]
    return sorted((pair for pair in lengths if pair[1] > MOST), key=lambda pair: -pair[1])


if __name__ == "__main__":
    main()
