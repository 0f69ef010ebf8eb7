import pytest
from cycles import Cycle, components, find_cycles, import_graph
from hypothesis import given
from hypothesis import strategies as st

NODES = "abcdefgh"
GRAPHS = st.fixed_dictionaries({node: st.lists(st.sampled_from(NODES), unique=True) for node in NODES})


def reachable(graph, start):
    seen, waiting = set(), [start]
    while waiting:
        for target in graph[waiting.pop()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


@given(GRAPHS)
def test_components_are_the_nodes_that_reach_each_other(graph):
    reach = {node: reachable(graph, node) | {node} for node in graph}
    expected = {frozenset(other for other in reach[node] if node in reach[other]) for node in graph}
    found = components(graph)
    assert {frozenset(component) for component in found} == expected
    assert sorted(node for component in found for node in component) == sorted(graph)


@given(GRAPHS)
def test_a_loop_is_a_closed_way_and_none_is_shorter(graph):
    imports = import_graph(graph)
    for cycle in find_cycles([graph]).cycles:
        steps = list(zip(cycle.loop, [*cycle.loop[1:], cycle.loop[0]], strict=True))
        assert all(target in imports[source] for source, target in steps)
        assert len(cycle.loop) == len(set(cycle.loop)) >= 2
        assert set(cycle.loop) <= set(cycle.modules)
        if any(source in imports[target] for source in cycle.modules for target in imports[source]):
            assert len(cycle.loop) == 2


def test_an_import_goes_to_the_longest_name_that_is_a_module():
    modules = {"a": ["a.b.c.d", "os.path"], "a.b": ["a.x"], "a.b.c": []}
    assert import_graph(modules) == {"a": ["a.b.c"], "a.b": ["a"], "a.b.c": []}


def test_a_module_that_imports_itself_is_no_cycle():
    found = find_cycles([{"a": ["a.b"]}])
    assert (found.count, found.edges, found.modules) == (0, 0, 1)


def test_a_chain_longer_than_the_recursion_limit_is_followed():
    size = 20_000
    ring = {f"m{number}": [f"m{(number + 1) % size}"] for number in range(size)}
    assert len(components(ring)) == 1
    chain = {f"m{number}": [f"m{number + 1}"] for number in range(size)}
    assert len(components(chain | {f"m{size}": []})) == size + 1


def test_cycles_across_packages_are_found_and_the_largest_comes_first():
    found = find_cycles([{"p.a": ["q.b"], "p.x": ["p.y"]}, {"q.b": ["q.c"], "q.c": ["p.a"], "p.y": ["p.x"]}])
    assert [cycle.modules for cycle in found.cycles] == [["p.a", "q.b", "q.c"], ["p.x", "p.y"]]
    assert found.cycles[0].loop == ["p.a", "q.b", "q.c"]


@pytest.mark.parametrize(
    ("loop", "expected"),
    [(["a.b.c", "a.b.d"], "a.b"), (["a.b", "a.c.d"], "a"), (["a", "a.b"], ""), (["a", "b"], ""), (["a.b", "ab.b"], "")],
)
def test_a_loop_knows_the_package_that_it_stays_in(loop, expected):
    assert Cycle(size=2, modules=loop, loop=loop).shared_package == expected
