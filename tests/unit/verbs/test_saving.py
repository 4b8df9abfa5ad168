"""What creating and updating have in common, through the façade."""

import pytest

from pfs_provider.errors import NotFoundError
from tests.pfs_world import PfsWorld, spec


def test_specs_are_read_with_the_defaults_in_them(world: PfsWorld) -> None:
    world.pfs.update_defaults({"datum_tries": 5})

    [loaded] = world.pfs.read_specs(spec("up"))

    assert loaded.spec.datum_tries == 5
    assert "datum_tries" not in loaded.written


def test_what_the_author_wrote_is_kept_beside_what_it_means(world: PfsWorld) -> None:
    world.pfs.update_defaults({"datum_tries": 5})
    world.pfs.create_pipeline(spec("up", parallelism="4"))

    user, effective = world.pfs.pipeline_spec("up", user=True), world.pfs.pipeline_spec("up")

    assert "datum_tries" not in user
    assert user["parallelism_spec"] == effective["parallelism_spec"] == {"constant": 4}
    assert effective["datum_tries"] == 5


def test_all_or_none_of_a_file_are_saved(world: PfsWorld) -> None:
    with pytest.raises(NotFoundError):
        world.pfs.update_pipeline([spec("one"), spec("two", repo="none")])

    assert world.pfs.list_pipelines() == []
