"""What a spec asks of workers, and the sentence that says what they cannot give."""

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.launcher import check_supported, find_s3_fields
from pfs_provider.jobs.local_launcher import LocalLauncher
from pfs_provider.spec.load import load_specs
from tests.pfs_world import spec


def test_an_s3_endpoint_is_asked_for_by_an_input_or_by_the_output() -> None:
    plain = load_specs(spec("up"))[0].spec
    both = load_specs(
        spec("up", s3_out=True, input={"pfs": {"repo": "in", "glob": "/", "s3": True}})
    )[0].spec

    assert find_s3_fields(plain) == ()
    assert find_s3_fields(both) == ("input.pfs.s3", "s3_out")


def test_what_workers_cannot_give_is_refused_with_its_fields_and_the_way_out() -> None:
    wanted = load_specs(spec("up", s3_out=True, transform={"secrets": [
        {"name": "db", "key": "password", "env_var": "PASSWORD"}
    ]}))[0].spec  # fmt: skip

    with pytest.raises(RefusedError) as raised:
        check_supported(LocalLauncher({}), wanted)

    assert raised.value.code == ErrorCode.SPEC_ILLEGAL
    assert str(raised.value) == (
        "s3_out and transform.secrets: workers on this machine cannot give that yet; "
        "take it out of the spec and update the pipeline"
    )
