from pfs_provider.catalog import lineage
from tests.catalog_world import NOBODY, World, repo


def test_a_diamond_names_its_source_once(world: World) -> None:
    for name in ("left", "right"):
        world.pipeline(name, "A")
    world.pipeline("join", "left", "right")
    change = world.land("A")

    with world.catalog.read() as tx:
        up = lineage.provenance_of(tx, world.head("join"))
        down = lineage.subvenance_of(tx, change)
        readers = lineage.readers_of(tx, [("default/A", change.id)])
        assert lineage.find_in_provenance(tx, NOBODY, repo("A")) is None

    assert [str(commit.repo) for commit in up] == ["left", "right", "A"]
    assert [str(commit.repo) for commit in down] == ["left", "right", "join"]
    assert readers == [("default/left", change.id), ("default/right", change.id)]
