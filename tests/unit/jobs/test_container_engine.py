"""Which docker or podman is used, and what is said where there is none."""

from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.container_engine import ContainerEngine, find_engine
from tests.unit.jobs.engines import ANSWERS_AS_DOCKER, ANSWERS_AS_PODMAN, IS_AWAY, put_engine


def test_docker_comes_first_where_it_answers(tmp_path: Path) -> None:
    put_engine(tmp_path, "podman", ANSWERS_AS_PODMAN)
    environment = put_engine(tmp_path, "docker", ANSWERS_AS_DOCKER)

    found = find_engine(environment)

    assert (found.program, found.is_podman, found.is_rootless) == ("docker", False, False)


def test_a_docker_without_its_daemon_leaves_it_to_podman(tmp_path: Path) -> None:
    put_engine(tmp_path, "docker", IS_AWAY)
    environment = put_engine(tmp_path, "podman", ANSWERS_AS_PODMAN)

    found = find_engine(environment)

    assert (found.program, found.is_podman, found.is_rootless) == ("podman", True, True)


def test_a_podman_that_calls_itself_docker_is_known_as_one(tmp_path: Path) -> None:
    environment = put_engine(tmp_path, "docker", ANSWERS_AS_PODMAN)

    assert find_engine(environment).is_podman


def test_the_one_that_is_named_is_used_or_refused(tmp_path: Path) -> None:
    put_engine(tmp_path, "docker", ANSWERS_AS_DOCKER)
    environment = put_engine(tmp_path, "podman", IS_AWAY)

    assert find_engine(environment, "docker").program == "docker"
    assert find_engine(environment, str(tmp_path / "docker")).program == str(tmp_path / "docker")
    with pytest.raises(UnavailableError, match="podman is there but does not answer"):
        find_engine(environment, "podman")
    with pytest.raises(RefusedError, match="neither docker nor podman") as caught:
        find_engine(environment, "lxc")
    assert caught.value.code == ErrorCode.SETTINGS_ILLEGAL


def test_a_path_from_here_is_one_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = put_engine(tmp_path, "podman", ANSWERS_AS_PODMAN)
    monkeypatch.chdir(tmp_path)

    assert find_engine(environment, "./podman").program == str(tmp_path / "podman")


def test_no_engine_is_told_with_the_way_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="apt-get install podman") as caught:
        find_engine({"PATH": str(tmp_path)})

    assert caught.value.code == ErrorCode.SANDBOX_UNAVAILABLE


def test_a_daemon_that_is_away_is_told_in_its_own_words(tmp_path: Path) -> None:
    environment = put_engine(tmp_path, "docker", IS_AWAY)

    with pytest.raises(UnavailableError, match=r"Is it running\?.*systemctl start docker"):
        find_engine(environment)


def _engine(folder: Path, script: str) -> ContainerEngine:
    environment = put_engine(folder, "docker", script)
    program = str(folder / "docker")
    return ContainerEngine(
        program=program, environment=environment, is_podman=False, is_rootless=False
    )


@pytest.mark.parametrize(
    ("has_image", "pull", "asked"),
    [
        (True, "missing", ["image"]),
        (False, "missing", ["image", "pull"]),
        (True, "always", ["image", "pull"]),
        (True, "never", ["image"]),
    ],
)
def test_a_registry_is_asked_when_the_policy_says_so(
    tmp_path: Path, has_image: bool, pull: str, asked: list[str]
) -> None:
    inspected = "exit 0" if has_image else "exit 1"
    script = f'echo "$1" >> {tmp_path}/asked; case $1 in image) {inspected} ;; esac'

    _engine(tmp_path, script).ensure_image("tool:1", pull)  # type: ignore[arg-type]  # a table's

    assert (tmp_path / "asked").read_text().split() == asked


@pytest.mark.parametrize(
    ("pull", "said"),
    [("never", "PFS_CONTAINER_PULL says never"), ("missing", "cannot be pulled: no such host")],
)
def test_an_image_that_cannot_be_had_is_named(tmp_path: Path, pull: str, said: str) -> None:
    engine = _engine(tmp_path, "echo no such host >&2; exit 1")

    with pytest.raises(UnavailableError, match=f"'tool:1'.*{said}.*docker pull tool:1"):
        engine.ensure_image("tool:1", pull)  # type: ignore[arg-type]  # a table's
