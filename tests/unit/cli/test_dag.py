from pfs_provider.cli.dag import Dag, draw_dag


def picture(*edges: tuple[str, str]) -> str:
    return "\n".join(draw_dag(Dag(edges)))


def test_a_graph_without_edges_is_no_picture() -> None:
    assert picture() == ""


def test_a_chain_goes_straight_down() -> None:
    assert picture(("images", "edges"), ("edges", "montage")) == "\n".join(  # noqa: FLY002 - a picture, line by line
        [
            "┌────────┐",
            "│ images │",
            "└────────┘",
            "     │",
            " ┌───────┐",
            " │ edges │",
            " └───────┘",
            "     │",
            "┌─────────┐",
            "│ montage │",
            "└─────────┘",
        ]
    )


def test_a_diamond_parts_and_meets_again() -> None:
    assert picture(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")) == "\n".join(  # noqa: FLY002 - a picture, line by line
        [
            "┌───┐",
            "│ a │",
            "└───┘",
            "  ├───────┐",
            "  │       │",
            "┌───┐   ┌───┐",
            "│ b │   │ c │",
            "└───┘   └───┘",
            "  └───┐   │",
            "      ├───┘",
            "      │",
            "    ┌───┐",
            "    │ d │",
            "    └───┘",
        ]
    )


def test_a_node_stands_below_all_that_it_depends_on() -> None:
    dag = Dag([("a", "b"), ("b", "c"), ("a", "c")])

    assert [[node for node in layer if "\0" not in node] for layer in dag.layers] == [
        ["a"], ["b"], ["c"],
    ]  # fmt: skip


def test_a_long_edge_passes_through_the_layers_between() -> None:
    drawn = picture(("a", "b"), ("b", "c"), ("a", "c")).splitlines()

    assert any("│ b │" in line and line.rstrip().endswith("│   │") for line in drawn), drawn


def test_the_same_edge_twice_is_drawn_once() -> None:
    assert picture(("a", "b"), ("a", "b")) == picture(("a", "b"))
