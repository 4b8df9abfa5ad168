import pytest

from pfs_provider.jobs.log_rules import LogRules, is_secret_name, masked_variables
from pfs_provider.spec.load import load_specs
from tests.pfs_world import spec


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "DB_PASSWORD", "PGPASSWORD", "GITHUB_TOKEN", "api_key", "AWS_SECRET_ACCESS_KEY"],
)
def test_names_that_tell_of_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["USER", "TOKENIZER", "MAX_TOKENS", "KEY", "SECRETARY", "PATH"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


def test_a_pipelines_secrets_are_those_of_spec_settings_and_by_name() -> None:
    transform = {
        "env": {"DB_PASSWORD": "x", "USER": "y"},
        "secrets": [
            {"name": "aws", "key": "id", "env_var": "AWS_ID"},
            {"name": "files", "mount_path": "/secrets"},
        ],
    }
    loaded = load_specs(spec("up", transform=transform))[0].spec

    assert masked_variables(loaded, LogRules(masked=("USER",))) == ["AWS_ID", "DB_PASSWORD", "USER"]
    assert masked_variables(loaded, LogRules()) == ["AWS_ID", "DB_PASSWORD"]
