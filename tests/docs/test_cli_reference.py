"""The reference of the command line says what the program says."""

from tools.cli_reference import PAGE, render


def test_the_page_is_what_the_program_has() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m tools.cli_reference"
