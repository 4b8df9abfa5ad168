import pytest

from pfs_provider.cli.specs import read_specs, spec_source
from pfs_provider.errors import NotFoundError
from pfs_provider.spec.load import load_specs


def test_hints_and_warnings_go_to_stderr(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    (loaded,) = read_specs(spec_source(spec, None, None), load_specs)

    assert loaded.spec.key.name == "edges"
    assert capsys.readouterr().out == ""


def test_a_missing_file_is_not_found(tmp_path: object) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        read_specs(f"{tmp_path}/none.json", load_specs)
