"""Import cycles: the strongly connected components of the import graph, by Tarjan's algorithm.

R. Tarjan, "Depth-First Search and Linear Graph Algorithms", SIAM Journal on Computing, 1(2), 1972. Written with a
stack of its own, because a chain of imports may be longer than Python's recursion limit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

from pydantic import BaseModel

Graph = Mapping[str, list[str]]

KEPT_CYCLES = 50
KEPT_MODULES = 100


class Cycle(BaseModel):
    """Modules that all import each other, directly or through others. `loop` is a shortest way round."""

    size: int
    modules: list[str]
    loop: list[str]

    @property
    def shared_package(self) -> str:
        """The package that the loop stays in, or nothing."""
        packages = [module.split(".")[:-1] for module in self.loop]
        shared = takewhile(lambda names: len(set(names)) == 1, zip(*packages, strict=False))
        return ".".join(names[0] for names in shared)


class ImportCycles(BaseModel):
    """What is known of the import graph: its size, and its cycles, largest first."""

    modules: int
    edges: int
    count: int
    cycles: list[Cycle]


def find_cycles(imports: Iterable[Mapping[str, list[str]]]) -> ImportCycles:
    """Find the cycles of a tree, given each package's modules with what they import."""
    graph = import_graph({module: names for package in imports for module, names in package.items()})
    cycles = [_cycle(graph, component) for component in components(graph) if len(component) > 1]
    cycles.sort(key=lambda cycle: (-cycle.size, cycle.modules))
    edges = sum(len(targets) for targets in graph.values())
    return ImportCycles(modules=len(graph), edges=edges, count=len(cycles), cycles=cycles[:KEPT_CYCLES])


def import_graph(imports: Mapping[str, list[str]]) -> Graph:
    """The edges between the tree's own modules; a module that imports itself is no cycle."""
    return {module: sorted(_targets(module, imports)) for module in sorted(imports)}


def _targets(module: str, imports: Mapping[str, list[str]]) -> set[str]:
    return {target for name in imports[module] if (target := _resolve(name, imports)) and target != module}


def _resolve(name: str, modules: Mapping[str, object]) -> str:
    """The longest prefix of a dotted name that is a module: `a.b.c` may be the name `c` in the module `a.b`."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def components(graph: Graph) -> list[list[str]]:
    """The strongly connected components of a graph, each sorted."""
    search = _Search(graph)
    for node in graph:
        if node not in search.number:
            search.visit(node)
    return search.components


@dataclass
class _Search:
    """One depth-first search: numbers in order of discovery, and the lowest number that each node can reach."""

    graph: Graph
    number: dict[str, int] = field(default_factory=dict)
    lowest: dict[str, int] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    stacked: set[str] = field(default_factory=set)
    components: list[list[str]] = field(default_factory=list)

    def visit(self, start: str) -> None:
        path = [(start, self._discover(start))]
        while path:
            node, targets = path[-1]
            unseen = self._next_unseen(node, targets)
            if unseen is not None:
                path.append((unseen, self._discover(unseen)))
                continue
            path.pop()
            self._leave(node, path[-1][0] if path else None)

    def _discover(self, node: str) -> Iterator[str]:
        self.number[node] = self.lowest[node] = len(self.number)
        self.stack.append(node)
        self.stacked.add(node)
        return iter(self.graph[node])

    def _next_unseen(self, node: str, targets: Iterator[str]) -> str | None:
        for target in targets:
            if target not in self.number:
                return target
            if target in self.stacked:
                self.lowest[node] = min(self.lowest[node], self.number[target])
        return None

    def _leave(self, node: str, parent: str | None) -> None:
        if self.lowest[node] == self.number[node]:
            self._close(node)
        if parent is not None:
            self.lowest[parent] = min(self.lowest[parent], self.lowest[node])

    def _close(self, root: str) -> None:
        at = len(self.stack) - 1
        while self.stack[at] != root:
            at -= 1
        component = self.stack[at:]
        del self.stack[at:]
        self.stacked.difference_update(component)
        self.components.append(sorted(component))


def _cycle(graph: Graph, component: list[str]) -> Cycle:
    return Cycle(size=len(component), modules=component[:KEPT_MODULES], loop=shortest_loop(graph, component))


def shortest_loop(graph: Graph, component: list[str]) -> list[str]:
    """A shortest way from some module of a component back to itself, looked for from the first few modules."""
    inside = set(component)
    loops = (_loop_through(graph, inside, module) for module in component[:KEPT_MODULES])
    return min(loops, key=len)


def _loop_through(graph: Graph, inside: set[str], start: str) -> list[str]:
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for target in graph[node]:
            if target == start:
                return _path(came_from, start, node)
            if target in inside and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    raise AssertionError(f"{start} is in no cycle")


def _path(came_from: Mapping[str, str], start: str, end: str) -> list[str]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
