"""A graph without cycles as boxes and lines of text.

A node stands one layer below the lowest node that it depends on; an edge over several layers
passes through those between. Must not know: repos and pipelines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Dag", "draw_dag"]

GAP = 3
NORTH, SOUTH, WEST, EAST = 1, 2, 4, 8
SHAPES = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"
"""The line of each set of directions."""


@dataclass(slots=True)
class Dag:
    """Edges from what is above to what is below, with the layers that follow from them."""

    edges: Sequence[tuple[str, str]]
    layers: list[list[str]] = field(init=False)
    links: list[tuple[str, str]] = field(init=False)
    """Edges between neighbouring layers only; names with a NUL are places where an edge passes."""

    def __post_init__(self) -> None:
        edges = list(dict.fromkeys(self.edges))
        depth = _depths(edges)
        self.layers = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for node in sorted(depth):
            self.layers[depth[node]].append(node)
        self.links = []
        for above, below in edges:
            chain = [above]
            for level in range(depth[above] + 1, depth[below]):
                chain.append(f"{above}\0{below}\0{level}")
                self.layers[level].append(chain[-1])
            chain.append(below)
            self.links += pairwise(chain)
        self._order()

    def _order(self) -> None:
        """Put each node near the middle of those above it."""
        for level in range(1, len(self.layers)):
            place = {node: at for at, node in enumerate(self.layers[level - 1])}

            def middle(node: str, place: dict[str, int] = place) -> float:
                above = [place[a] for a, b in self.links if b == node and a in place]
                return sum(above) / len(above) if above else 0.0

            self.layers[level].sort(key=middle)


def draw_dag(dag: Dag) -> Iterator[str]:
    """Yield the lines of the picture; none for a graph without edges."""
    columns = _columns(dag)
    for level, layer in enumerate(dag.layers):
        yield from _boxes(layer, columns)
        nodes = set(layer)
        links = [(a, b) for a, b in dag.links if a in nodes]
        if level + 1 < len(dag.layers):
            yield from _wires(links, columns)


def _depths(edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    depth = dict.fromkeys((node for edge in edges for node in edge), 0)
    for _ in depth:  # the longest path has fewer edges than there are nodes
        moved = False
        for above, below in edges:
            if depth[below] <= depth[above]:
                depth[below], moved = depth[above] + 1, True
        if not moved:
            break
    return depth


def _width(node: str) -> int:
    return 1 if "\0" in node else len(node) + 4


def _columns(dag: Dag) -> dict[str, int]:
    """Return the middle column of each node: below those above it, without overlap."""
    middle: dict[str, int] = {}
    for layer in dag.layers:
        left = 0
        for node in layer:
            above = [middle[a] for a, b in dag.links if b == node]
            wanted = sum(above) // len(above) if above else 0
            middle[node] = max(left + _width(node) // 2, wanted)
            left = middle[node] - _width(node) // 2 + _width(node) + GAP
    return middle


def _boxes(layer: Sequence[str], columns: dict[str, int]) -> Iterator[str]:
    rows = ["", "", ""]
    for node in layer:
        start = columns[node] - _width(node) // 2
        inner = _width(node) - 2
        passing = "\0" in node
        parts = ["│"] * 3 if passing else [f"┌{'─' * inner}┐", f"│ {node} │", f"└{'─' * inner}┘"]
        rows = [row.ljust(start) + part for row, part in zip(rows, parts, strict=True)]
    yield from rows


def _wires(links: Sequence[tuple[str, str]], columns: dict[str, int]) -> Iterator[str]:
    """Yield the rows between two layers: each node above that bends has a row of its own."""
    targets: dict[str, list[int]] = {}
    for above, below in links:
        targets.setdefault(above, []).append(columns[below])
    bending = [a for a, ends in targets.items() if any(end != columns[a] for end in ends)]
    cells: list[dict[int, int]] = [{} for _ in range(len(bending) + 1)]
    for above, ends in targets.items():
        bus = bending.index(above) if above in bending else len(bending)
        for row in range(bus):
            _add(cells[row], columns[above], NORTH | SOUTH)
        _bend(cells[bus], columns[above], ends)
        for row in range(bus + 1, len(cells)):
            for end in ends:
                _add(cells[row], end, NORTH | SOUTH)
    for line in cells:
        yield "".join(SHAPES[line.get(at, 0)] for at in range(max(line, default=-1) + 1)).rstrip()


def _bend(row: dict[int, int], start: int, ends: Sequence[int]) -> None:
    first, last = min(start, *ends), max(start, *ends)
    for at in range(first, last + 1) if first < last else ():
        _add(row, at, (EAST if at < last else 0) | (WEST if at > first else 0))
    _add(row, start, NORTH)
    for end in ends:
        _add(row, end, SOUTH)


def _add(row: dict[int, int], at: int, directions: int) -> None:
    row[at] = row.get(at, 0) | directions
