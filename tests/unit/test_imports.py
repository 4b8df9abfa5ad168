"""What the doors import: Airflow asks the provider in every process, a shell waits for --help."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

HELP_MAY_IMPORT = {
    "annotated_doc", "click", "colorama", "markdown_it", "mdurl", "pygments", "rich",
    "shellingham", "typer", "typing_extensions",
}  # fmt: skip

WORKER_MAY_IMPORT = {
    "annotated_types", "backports", "blake3", "cython_runtime", "dotenv", "msgspec", "obstore",
    "pydantic", "pydantic_core", "pydantic_settings", "pyfastcdc", "tenacity",
    "typing_extensions", "typing_inspection",
    "colorama", "tornado",  # tenacity takes tornado along where it is installed, as with Celery
}  # fmt: skip


def _imported_by(code: str) -> set[str]:
    """Return what a fresh Python has imported after the code, without the standard library."""
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        f"{code}\n"
        "import json\n"
        "print('\\n' + json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stdout.splitlines()[-1])
    return {name for name in modules if name.split(".")[0] not in sys.stdlib_module_names}


def _packages(modules: set[str]) -> set[str]:
    """Return the packages of others among the modules."""
    return {name.split(".")[0] for name in modules} - {"pfs_provider"}


def test_importing_the_package_imports_nothing_else() -> None:
    assert _imported_by("import pfs_provider") == {"pfs_provider"}


def test_asking_for_the_version_imports_nothing_else() -> None:
    assert _imported_by("import pfs_provider; pfs_provider.__version__") == {"pfs_provider"}


def test_what_airflow_asks_of_the_provider_imports_nothing_else() -> None:
    code = "from pfs_provider.get_provider_info import get_provider_info; get_provider_info()"

    assert _imported_by(code) == {"pfs_provider", "pfs_provider.get_provider_info"}


def test_the_help_of_the_command_line_imports_the_terminal_and_nothing_heavy() -> None:
    code = (
        "from pfs_provider.cli.main import main\n"
        "sys.argv = ['pfs', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
    )

    assert _packages(_imported_by(code)) <= HELP_MAY_IMPORT


def test_a_worker_imports_the_store_and_no_catalog_scheduler_or_cluster() -> None:
    found = _packages(_imported_by("import pfs_provider.worker.main"))

    # Names with an underscore are parts that compiled modules and Python itself bring along.
    assert {name for name in found if not name.startswith("_")} <= WORKER_MAY_IMPORT
