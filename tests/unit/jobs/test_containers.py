"""What workers are told of a pipeline's containers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import RefusedError, UnavailableError
from pfs_provider.jobs.container_engine import find_engine
from pfs_provider.jobs.containers import ContainerSetup
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PipelineSpec
from tests.pfs_world import spec
from tests.unit.jobs.engines import ANSWERS_AS_DOCKER, ANSWERS_AS_PODMAN, put_engine


def _spec(image: str = "", **more: Any) -> PipelineSpec:
    transform = more.pop("transform", {}) | ({"image": image} if image else {})
    return load_specs(spec("up", transform=transform, **more))[0].spec


def _setup(folder: Path, script: str = ANSWERS_AS_DOCKER, **more: Any) -> ContainerSetup:
    given = {"image": "", "pull": "never", "options": ()} | more
    return ContainerSetup(engine=find_engine(put_engine(folder, "docker", script)), **given)


def _box(setup: ContainerSetup, wanted: PipelineSpec) -> dict[str, Any]:
    arguments = setup.arguments(wanted)
    box: dict[str, Any] = json.loads(arguments[arguments.index("--container") + 1])
    return box


def test_a_pipelines_image_is_stronger_than_the_default(tmp_path: Path) -> None:
    setup = _setup(tmp_path, image="default:1")

    assert _box(setup, _spec("own:1"))["image"] == "own:1"
    assert _box(setup, _spec())["image"] == "default:1"


def test_without_any_image_the_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"transform\.image.*PFS_CONTAINER_IMAGE"):
        _setup(tmp_path).arguments(_spec())


def test_an_image_is_there_before_a_worker_starts(tmp_path: Path) -> None:
    setup = _setup(tmp_path, 'case "$1 $*" in image*|*Rootless*) exit 1 ;; esac')

    with pytest.raises(UnavailableError, match="'own:1' is not on this machine"):
        setup.arguments(_spec("own:1"))


def test_a_machines_own_options_come_last(tmp_path: Path) -> None:
    box = _box(_setup(tmp_path, options=("--network", "none")), _spec("own:1"))

    assert box["options"][-2:] == ["--network", "none"]


def test_only_a_rootless_engine_has_other_numbers_inside(tmp_path: Path) -> None:
    assert _box(_setup(tmp_path / "a"), _spec("own:1"))["group"] is None
    assert _box(_setup(tmp_path / "b", ANSWERS_AS_PODMAN), _spec("own:1"))["group"] == 0


def test_the_memory_limit_is_told_for_messages(tmp_path: Path) -> None:
    arguments = _setup(tmp_path).arguments(_spec("own:1", resource_limits={"memory": "64Mi"}))

    assert arguments[arguments.index("--memory-limit") + 1] == "64Mi"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm: only Linux has one")
def test_a_memory_volume_is_where_files_are_staged(tmp_path: Path) -> None:
    arguments = _setup(tmp_path).arguments(_spec("own:1", transform={"memory_volume": True}))

    folder = Path(arguments[arguments.index("--scratch") + 1])
    assert folder.parent == Path("/dev/shm")
    assert folder.stat().st_uid == os.geteuid()
    assert "--serial" in arguments  # memory for one datum, not for two


def test_a_memory_volume_in_a_folder_of_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pfs_provider.jobs.containers.MEMORY", tmp_path)
    (tmp_path / f"pfs-{os.geteuid()}").symlink_to(tmp_path)

    with pytest.raises(RefusedError, match="another user's"):
        _setup(tmp_path / "bin").arguments(_spec("own:1", transform={"memory_volume": True}))
