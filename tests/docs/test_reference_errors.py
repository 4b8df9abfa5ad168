"""docs/reference/errors.md tells every code, its class and its exit code."""

import re

from pfs_provider import errors
from pfs_provider.cli.error_table import EXIT_CODES
from pfs_provider.errors import ErrorCode, PfsError
from tests.docs.reference import REFERENCE, bare, raised_codes, section_rows

HEADINGS = {
    "## Refused": "RefusedError",
    "## Not found": "NotFoundError",
    "## Conflict": "ConflictError",
    "## Corrupt": "CorruptDataError",
    "## Unavailable": "UnavailableError",
    "## Unknown outcome": "UnknownOutcomeError",
    "## Failed": "FailedError",
}
OUR_FAULT = {("JOB_FAILED", "RefusedError")}  # the catalog's guard against counts of ours


def _rows() -> list[tuple[str, ...]]:
    return [row for heading in HEADINGS for row in section_rows("errors.md", heading)]


def test_every_code_has_one_row_in_the_order_of_the_code() -> None:
    assert [bare(row[0]) for row in _rows()] == [str(code) for code in ErrorCode]


def test_every_row_says_what_it_means_and_the_way_out() -> None:
    assert [row for row in _rows() if len(row) != 4 or not all(row)] == []


def test_a_row_names_the_classes_that_the_code_is_raised_as() -> None:
    raised: dict[str, set[str]] = {code.name: set() for code in ErrorCode}
    for code, kind, _ in raised_codes():
        if (code, kind) not in OUR_FAULT:
            raised[code].add(kind)

    written = {
        ErrorCode(bare(row[0])).name: set(re.findall(r"\w+Error", row[1])) for row in _rows()
    }

    assert written == raised


def test_a_code_stands_under_its_class() -> None:
    wrong = [
        (heading, row[0])
        for heading, kind in HEADINGS.items()
        for row in section_rows("errors.md", heading)
        if kind not in row[1]
    ]

    assert wrong == []


def test_every_class_has_its_exit_code() -> None:
    rows = section_rows("errors.md", "# Errors")
    children = {name for name in errors.__all__ if name.endswith("Error")} - {PfsError.__name__}

    written = {bare(row[0]): int(row[2]) for row in rows}

    assert written == {kind.__name__: code for kind, code in EXIT_CODES.items()}
    assert written.keys() == children


def test_links_to_settings_have_their_headings() -> None:
    headings = (REFERENCE / "settings.md").read_text(encoding="utf-8")

    assert "\n## Stores\n" in headings
    assert "\n## Catalogs\n" in headings
