"""Every page can be found: in the navigation, in the list of decisions, by its links."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
OUTSIDE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]


def _leaves(nav: object) -> list[str]:
    match nav:
        case str():
            return [nav]
        case list():
            return [leaf for part in nav for leaf in _leaves(part)]
        case dict():
            return _leaves(list(nav.values()))
    raise TypeError(nav)


def test_the_navigation_has_every_page_once() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    shown = [page for page in PAGES if not page.startswith("changelog.d/")]

    assert sorted(_leaves(yaml.safe_load(config)["nav"])) == shown


def test_the_list_of_decisions_has_every_numbered_page_with_its_title() -> None:
    listed = (DOCS / "design" / "README.md").read_text(encoding="utf-8")
    missing = []
    for page in sorted((DOCS / "design").glob("[0-9]*.md")):
        number, title = (
            page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(" ", 1)
        )
        if f"| [{number}]({page.name}) | {title} |" not in listed:
            missing.append(page.name)

    assert missing == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_links_from_outside_the_documentation_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []
