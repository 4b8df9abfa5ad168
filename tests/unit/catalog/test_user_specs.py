from pfs_provider.catalog import pipelines
from pfs_provider.catalog.user_specs import find_user_spec, put_user_spec
from pfs_provider.refs.names import PipelineKey
from tests.catalog_world import World

KEY = PipelineKey("default", "P")


def test_each_version_keeps_what_was_written(world: World) -> None:
    world.pipeline("P", "A")
    with world.act() as tx:
        put_user_spec(tx, KEY, 1, "mine")
    world.pipeline("P", "A", update=True)

    with world.act() as tx:
        assert (find_user_spec(tx, KEY, 1), find_user_spec(tx, KEY, 2)) == ("mine", None)
        pipelines.delete_pipeline(tx, KEY)
        assert find_user_spec(tx, KEY, 1) is None
