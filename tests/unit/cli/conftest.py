"""The program in this process, on a fresh home."""

from pathlib import Path

import pytest

from tests.unit.cli.runner import Cli


@pytest.fixture
def cli(pfs_home: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(monkeypatch=monkeypatch)


@pytest.fixture
def images(cli: Cli, tmp_path: Path) -> Cli:
    """A repo with one commit that holds /a and /d/b."""
    source = tmp_path / "source"
    (source / "d").mkdir(parents=True)
    (source / "a").write_bytes(b"a")
    (source / "d" / "b").write_bytes(b"bb")
    cli.ok("create", "repo", "images")
    cli.ok("put", "file", "images@master", "-r", "-f", str(source))
    return cli


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "edges.json"
    path.write_text(
        '{"pipeline": {"name": "edges"}, "transform": {"cmd": ["true"]},'
        ' "input": {"pfs": {"repo": "images", "glob": "/*"}}}'
    )
    return str(path)
