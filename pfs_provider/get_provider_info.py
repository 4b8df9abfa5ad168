"""What Airflow asks of the provider: one dict.

Invariant: imports nothing, because every Airflow process and every ``airflow`` command calls it.
Must not know: the rest of the package; what is named below Airflow imports when it needs it.
"""

__all__ = ["get_provider_info"]


def get_provider_info() -> dict[str, object]:
    """Return the provider's description, as Airflow's ``provider_info.schema.json`` wants it."""
    return {
        "package-name": "airflow-provider-pfs",
        "name": "PFS",
        "description": "Versioned data and data-driven pipelines.",
        "integrations": [{"integration-name": "PFS", "tags": ["software"]}],
        "hooks": [_modules("pfs_provider.airflow.hook")],
        "operators": [
            _modules(
                "pfs_provider.airflow.operators.apply_specs",
                "pfs_provider.airflow.operators.backfill",
                "pfs_provider.airflow.operators.commit",
                "pfs_provider.airflow.operators.create_pipeline",
                "pfs_provider.airflow.operators.dispatch",
                "pfs_provider.airflow.operators.job",
                "pfs_provider.airflow.operators.map_steps",
                "pfs_provider.airflow.operators.pipeline",
                "pfs_provider.airflow.operators.put_files",
                "pfs_provider.airflow.operators.take_commit",
            )
        ],
        "sensors": [
            _modules("pfs_provider.airflow.sensors.commit", "pfs_provider.airflow.sensors.job")
        ],
        "triggers": [
            _modules(
                "pfs_provider.airflow.triggers.commits",
                "pfs_provider.airflow.triggers.pods",
                "pfs_provider.airflow.triggers.states",
                "pfs_provider.airflow.triggers.turns",
                "pfs_provider.airflow.triggers.work",
            )
        ],
        "task-decorators": [
            {
                "name": "pfs_map",
                "class-name": "pfs_provider.airflow.decorators.pfs_map.pfs_map_task",
            }
        ],
        "connection-types": [_CONNECTION],
        "asset-uris": [
            {
                "schemes": ["pfs"],
                "handler": "pfs_provider.airflow.assets.sanitize_uri",
                "factory": "pfs_provider.airflow.assets.create_asset",
                "to_openlineage_converter": "pfs_provider.airflow.openlineage.convert_asset",
            }
        ],
        "extra-links": [
            "pfs_provider.airflow.links.PfsCommitLink",
            "pfs_provider.airflow.links.PfsJobLink",
            "pfs_provider.airflow.links.PfsPodsLink",
        ],
        "config": {"pfs": _CONFIG},
    }


def _modules(*names: str) -> dict[str, object]:
    return {"integration-name": "PFS", "python-modules": list(names)}


_TEXT = {"type": ["string", "null"]}

_CONNECTION = {
    "connection-type": "pfs",
    "hook-class-name": "pfs_provider.airflow.hook.PfsHook",
    "hook-name": "PFS",
    "conn-fields": {
        "home": {
            "label": "Home",
            "description": "Folder that holds catalog and store of the embedded default. "
            "Leave it empty when both are named below, or to take PFS_HOME.",
            "schema": _TEXT,
        },
        "catalog": {
            "label": "Catalog",
            "description": "SQLAlchemy URL of the catalog's own database (never Airflow's), "
            "postgresql://pfs@host/pfs or sqlite:////folder/catalog.db, without its password.",
            "schema": _TEXT,
        },
        "catalog_password": {
            "label": "Catalog password",
            "description": "Put into the catalog's URL.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
        "store": {
            "label": "Store",
            "description": "URL of the object store: s3://bucket/prefix, gs://, az://, file://.",
            "schema": _TEXT,
        },
        "s3_access_key": {
            "label": "S3 access key",
            "description": "Of an S3 store; empty where the machine has a role or variables.",
            "schema": _TEXT,
        },
        "s3_secret_key": {
            "label": "S3 secret key",
            "description": "Of an S3 store.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
    },
    "ui-field-behaviour": {
        "hidden-fields": ["host", "schema", "login", "password", "port", "extra"],
        "relabeling": {},
        "placeholders": {
            "home": "/var/lib/pfs",
            "catalog": "postgresql://pfs@db/pfs",
            "store": "s3://bucket/pfs",
        },
    },
}

_CONFIG = {
    "description": "How tasks and triggers of the PFS provider behave.",
    "options": {
        "web_url": {
            "description": "Where commits and jobs can be looked at. The links of a task lead to "
            "<web_url>/commits/<project>/<repo>/<id> and <web_url>/jobs/<project>/<pipeline>/<id>. "
            "Empty: they lead to the task's own XCom page, which shows the references.",
            "version_added": "0.1.0",
            "type": "string",
            "example": "https://pfs.example.org",
            "default": "",
        },
        "pods_url": {
            "description": "Where the pods of a job on Kubernetes can be looked at; {namespace} "
            "and {name} (of the Kubernetes Job) are filled in. Empty: the link leads to the task's "
            "own XCom page, which shows both.",
            "version_added": "0.1.0",
            "type": "string",
            "example": "https://dashboard.example.org/#/job/{namespace}/{name}",
            "default": "",
        },
        "openlineage_namespace": {
            "description": "Namespace of the datasets that OpenLineage is told of, the same for "
            "all that share a catalog. Their names are <project>/<repo>/<branch>.",
            "version_added": "0.1.0",
            "type": "string",
            "example": "pfs://catalog.example.org",
            "default": "pfs://pfs",
        },
        "poll_s": {
            "description": "Seconds between two looks at the catalog's event log. One look serves "
            "all assets of a connection.",
            "version_added": "0.1.0",
            "type": "float",
            "example": None,
            "default": "1.0",
        },
    },
}
