"""Real services for tests: where they are, said by the environment, and a fresh corner of each.

Nothing is started here. A test that asks for a service that is not there skips, and the reason
names the variable and the script that provides it.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """What ``open_store`` wants: a URL, and the options that must not stand in it."""

    url: str
    options: dict[str, str] = field(default_factory=dict)


def need(variable: str, script: str) -> str:
    """Return the variable's value, or skip the test with the way to get one."""
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f'{variable} is not set: eval "$(../shared/services/{script} up)" provides it')
    return value


def s3_options() -> dict[str, str]:
    """Return the credentials under the names that the store client takes."""
    return {
        "aws_access_key_id": need("PFS_TEST_S3_ACCESS_KEY", "minio"),
        "aws_secret_access_key": need("PFS_TEST_S3_SECRET_KEY", "minio"),
    }


@contextmanager
def s3_bucket() -> Iterator[str]:
    """Make a bucket; remove it with all that is in it."""
    name = f"pfs-test-{uuid.uuid4().hex}"
    client = _s3_client()
    client.create_bucket(Bucket=name)
    try:
        yield name
    finally:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
            if keys:
                client.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
        client.delete_bucket(Bucket=name)


@contextmanager
def postgres_database() -> Iterator[str]:
    """Make a database, yield its SQLAlchemy URL, drop it with whoever is still connected."""
    psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    url = need("PFS_TEST_POSTGRES", "postgres")
    server = url.replace("postgresql+psycopg://", "postgresql://")
    name = f"pfs_test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        # From template0, which nobody can be connected to: parallel runs do not wait on each other.
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        try:
            yield f"{url.rpartition('/')[0]}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@cache
def _s3_client() -> Any:
    boto3 = pytest.importorskip("boto3", reason="the group test is not installed")
    options = s3_options()
    return boto3.client(
        "s3",
        endpoint_url=need("PFS_TEST_S3_ENDPOINT", "minio"),
        region_name=REGION,
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
    )
