"""What no linter checks: where files stand, how long they are, and what must not be in them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tools.sizes import find_long

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "pfs_provider"
UNIT = ROOT / "tests" / "unit"
DESIGN = ROOT / "docs" / "design"

# Packages that offer their names lazily, because users import from them.
OFFERING = {"pfs_provider", "pfs_provider/airflow"}

# A module without a twin, and what tests it instead.
WITHOUT_TWIN: dict[str, str] = {}


def _modules() -> list[Path]:
    return sorted(
        path.relative_to(SOURCE)
        for path in SOURCE.rglob("*.py")
        if path.name != "__init__.py" and "migrations" not in path.parts
    )


def _tracked() -> list[Path]:
    try:
        names = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not in a git checkout")
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def _is_port(path: Path) -> bool:
    """Protocols and values alone have nothing to run: their contract is in tests/contract."""
    tree = ast.parse(path.read_text())
    return not any(
        isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.With | ast.Raise)
        for node in ast.walk(tree)
    ) and any(
        isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        for node in tree.body
    )


def test_every_module_has_its_twin() -> None:
    twins = [
        UNIT / module.parent / f"test_{module.name}"
        for module in _modules()
        if str(module) not in WITHOUT_TWIN and not _is_port(SOURCE / module)
    ]

    missing = [str(twin.relative_to(ROOT)) for twin in twins if not twin.exists()]

    assert missing == []


def test_no_excuse_outlives_its_module() -> None:
    modules = {str(module) for module in _modules()}

    assert WITHOUT_TWIN.keys() <= modules


def test_no_module_has_outgrown_one_noun() -> None:
    assert find_long(ROOT) == []


def test_package_files_hold_a_docstring_and_nothing_else() -> None:
    packages = [
        path
        for path in SOURCE.rglob("__init__.py")
        if str(path.parent.relative_to(ROOT)) not in OFFERING
    ]

    more = [
        str(path.relative_to(ROOT))
        for path in packages
        if len(body := ast.parse(path.read_text()).body) != 1
        or not isinstance(body[0], ast.Expr)
        or not isinstance(body[0].value, ast.Constant)
    ]

    assert packages
    assert more == []


def test_a_design_number_is_taken_once_and_is_in_the_index() -> None:
    pages = sorted(path.name for path in DESIGN.glob("[0-9]*.md"))
    index = (DESIGN / "README.md").read_text()

    numbers = [name[:4] for name in pages]

    assert pages
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in pages)
    assert len(set(numbers)) == len(numbers)
    assert [name for name in pages if f"]({name})" not in index] == []


def test_nothing_names_a_package_index_or_a_path_of_one_machine() -> None:
    hosts = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org"]
    homes = [r"/home/[a-z]\w*/", r"/Users/\w+/", "/ro" + "ot/"]
    parent = str(ROOT.parent)
    here = [re.escape(parent) + "/"] if parent != "/" else []
    wrong = re.compile(
        "|".join(
            [re.escape(host) for host in hosts]
            + [r"https?://[^\s/]+/simple\b"]
            + [rf"(?<![\w.~}}]){path}" for path in homes + here]
        )
    )

    hits = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in _tracked()
        if b"\0" not in (data := path.read_bytes())
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1)
        if wrong.search(line)
    ]

    assert hits == []
