from pfs_provider.catalog import graph
from tests.catalog_world import World, at

A, B, C = (at(name).full for name in "ABC")


def test_the_graph_is_walked_both_ways_in_order(world: World) -> None:
    world.branch("C", provenance=[at("B"), at("A")])
    world.branch("B", provenance=[at("A")])

    with world.catalog.read() as tx:
        assert graph.upstream_of(tx, {C}) == {A, B, C}
        below = graph.downstream_edges(tx, {A})
        assert {edge.branch for edge in below} == {B, C}
        assert graph.in_order(below) == [A, B, C]
        assert [edge.input for edge in graph.edges_into(tx, [C])] == [B, A]
        assert graph.find_dependent(tx, C) is None


def test_branches_without_edges_are_in_order_too() -> None:
    assert graph.in_order([], [B, A]) == [A, B]
