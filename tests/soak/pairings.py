"""Where a soak's catalogs and stores are: a folder, or a real PostgreSQL and S3.

Each place gets a database and a prefix of its own; what was made here is removed here.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import REGION, postgres_database, s3_bucket, s3_options
from tests.soak.places import Place

CATALOGS = {"sqlite": (), "postgres": ("PFS_TEST_POSTGRES",)}
STORES = {
    "local": (),
    "s3": ("PFS_TEST_S3_ENDPOINT", "PFS_TEST_S3_ACCESS_KEY", "PFS_TEST_S3_SECRET_KEY"),
}
"""The variables that say where each is."""
SCRIPTS = {"PFS_TEST_POSTGRES": "postgres"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A kind of catalog and a kind of store."""

    catalog: str
    store: str
    bucket: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.catalog}+{self.store}"

    @contextmanager
    def place(self, folder: Path, mark: str) -> Iterator[Place]:
        """Make a place; its database goes with the block, its objects with the bucket."""
        environment = {"PFS_HOME": str(folder)}
        with ExitStack() as stack:
            if self.catalog == "postgres":
                environment["PFS_CATALOG"] = stack.enter_context(postgres_database())
            if self.store == "s3":
                url = f"s3://{self.bucket}/{folder.parent.name}/{folder.name}"
                endpoint = os.environ["PFS_TEST_S3_ENDPOINT"]
                environment["PFS_STORE"] = f"{url}?endpoint={endpoint}&region={REGION}"
                environment |= {name.upper(): value for name, value in s3_options().items()}
            yield Place(folder, mark, environment)


def find_missing(catalog: str, store: str) -> str | None:
    """Return one sentence on the service that is not there, None if all are."""
    for variable in (*CATALOGS[catalog], *STORES[store]):
        if not os.environ.get(variable):
            script = SCRIPTS.get(variable, "minio")
            return (
                f"{variable} is not set, and {catalog}+{store} needs it: "
                f'eval "$(../shared/services/{script} up)" provides it'
            )
    return None


@contextmanager
def open_pairing(catalog: str, store: str) -> Iterator[Pairing]:
    """Make what places of this pairing share: the bucket, which goes with the block."""
    with ExitStack() as stack:
        bucket = stack.enter_context(s3_bucket()) if store == "s3" else ""
        yield Pairing(catalog=catalog, store=store, bucket=bucket)
