"""From the secrets that a spec names to what workers are handed."""

from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.secrets import NO_SECRETS, GivenSecrets, find_given, read_given
from pfs_provider.secrets import Secrets
from pfs_provider.spec.load import load_specs
from tests.pfs_world import spec


@pytest.fixture
def here(tmp_path: Path) -> Secrets:
    secrets = Secrets(folder=tmp_path)
    secrets.create("db", {"password": b"hunter22\n", "cert": b"\xff\x00cert"})
    secrets.create("nul", {"a": b"a\x00b"})
    return secrets


def _find(here: Secrets, *wanted: dict[str, Any]) -> GivenSecrets:
    return find_given(load_specs(spec("up", transform={"secrets": list(wanted)}))[0].spec, here)


def test_variables_and_files_are_found_and_arrive(here: Secrets) -> None:
    found = _find(
        here,
        {"name": "db", "key": "password", "env_var": "PASSWORD"},
        {"name": "db", "mount_path": "/secrets/db/"},
        {"name": "db", "key": "password", "env_var": "TWICE", "mount_path": "/one"},
    )

    assert found.env == {"PASSWORD": "hunter22", "TWICE": "hunter22"}
    assert found.folders == {
        "/secrets/db": {"password": b"hunter22\n", "cert": b"\xff\x00cert"},
        "/one": {"password": b"hunter22\n"},
    }
    assert read_given(found.encode()) == found
    assert {"hunter22", "hunter22\n"} < set(found.values)
    assert NO_SECRETS.values == ()
    assert "hunter22" not in repr(found)


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        (
            {"name": "no", "key": "a", "env_var": "A"},
            "secret-missing",
            "[1].env_var: the secret 'no'",
        ),
        ({"name": "db", "key": "no", "env_var": "A"}, "secret-missing", "with the key 'no'"),
        (
            {"name": "no", "mount_path": "/s"},
            "secret-missing",
            "[1].mount_path: the secret 'no' is",
        ),
        ({"name": "db", "key": "no", "mount_path": "/s"}, "secret-missing", "pfs create secret"),
        ({"name": "db", "key": "a", "env_var": "A-B"}, "spec-illegal", "[1].env_var: 'A-B'"),
        ({"name": "nul", "key": "a", "env_var": "A"}, "spec-illegal", "has a NUL"),
        ({"name": "db", "mount_path": "/"}, "spec-illegal", "no absolute path"),
        ({"name": "db", "mount_path": "s"}, "spec-illegal", "no absolute path"),
        ({"name": "db", "mount_path": "/a/../b"}, "spec-illegal", "no absolute path"),
        ({"name": "db", "mount_path": "/pfs/s"}, "spec-illegal", "its own files"),
        ({"name": "db", "mount_path": "/proc"}, "spec-illegal", "its own files"),
        ({"name": "db", "mount_path": "/a,b"}, "spec-illegal", "a comma"),
        ({"name": "db", "mount_path": "/first/below"}, "spec-illegal", "covers '/first'"),
        ({"name": "db", "mount_path": "/first"}, "spec-illegal", "covers '/first'"),
    ],
)
def test_what_cannot_be_given_names_the_field_and_the_way_out(
    here: Secrets, wanted: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        _find(here, {"name": "db", "mount_path": "/first"}, wanted)

    assert refused.value.code == ErrorCode(code)
    assert words in str(refused.value)
    assert str(refused.value).startswith("transform.secrets[1].")
    assert "hunter22" not in str(refused.value)


def test_a_folder_beside_another_is_fine(here: Secrets) -> None:
    found = _find(here, *({"name": "db", "mount_path": path} for path in ("/a", "/ab", "/pfs-x")))

    assert sorted(found.folders) == ["/a", "/ab", "/pfs-x"]
