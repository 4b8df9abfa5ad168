import subprocess
import sys
from pathlib import Path

from pfs_provider.catalog import schema
from tests.catalog_world import World

VERSIONS = Path(schema.__file__).with_name("migrations") / "versions"


def test_every_revision_has_its_file() -> None:
    found = sorted(path.name[1:5] for path in VERSIONS.glob("v*.py"))

    assert found == sorted(schema.REVISIONS)
    assert found[-1] == schema.HEAD


def test_a_made_catalog_opens_without_alembic(world: World) -> None:
    url = f"sqlite:///{world.catalog.location.removeprefix('sqlite:///')}"
    script = (
        "import sys\n"
        "from pfs_provider.catalog.database import Catalog\n"
        "from pfs_provider.clock import RandomIds, SystemClock\n"
        f"Catalog({url!r}, clock=SystemClock(), ids=RandomIds()).open()\n"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in {'alembic', 'croniter'}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )

    assert done.stdout.strip() == "[]"
