"""The recipe of the image: it copies what is there, and what builds the wheel is pinned by hash."""

import re
import subprocess
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "deploy/image/Dockerfile"


def test_every_file_that_the_recipe_copies_is_there_and_not_ignored() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", RECIPE.read_text(), flags=re.MULTILINE)
    sources = [word for line in lines for word in line.split()]
    let_in = RECIPE.with_name("Dockerfile.dockerignore").read_text().splitlines()

    assert len(sources) == 7
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source.startswith(line[1:]) for line in let_in if line.startswith("!")), source


def test_all_that_builds_the_wheel_is_pinned_by_hash() -> None:
    needed = {"hatchling"} | {
        found.name
        for found in map(Requirement, requires("hatchling") or [])
        if found.marker is None or found.marker.evaluate({"extra": ""})
    }

    picked = subprocess.run(
        ["awk", "-f", "deploy/image/pins.awk", "requirements/dev.txt"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    pins = re.split(r"^(?=[a-z])", picked, flags=re.MULTILINE)[1:]
    assert {pin.partition("==")[0] for pin in pins} == needed
    assert all("--hash=sha256:" in pin for pin in pins)


def test_the_recipe_ends_as_a_user_with_a_number() -> None:
    users = re.findall(r"^USER (.+)$", RECIPE.read_text(), flags=re.MULTILINE)

    assert users == ["65532:65532"]
