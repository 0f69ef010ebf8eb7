import ast
import textwrap

import pytest
from complexity import BUCKETS, census, excess, histogram


def complexities(code):
    return {function.name: function.complexity for function in census(ast.parse(textwrap.dedent(code))).functions}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", 1),
        ("if a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("for a in b: pass\n    else: pass", 2),
        ("while a: pass", 2),
        ("try: pass\n    except A: pass\n    except B: pass\n    else: pass\n    finally: pass", 3),
        ("with a: pass", 1),
        ("assert a", 1),
        ("return a if b else c", 2),
        ("return a and b and c or d", 4),
        ("return [a for a in b if c if d]", 4),
        ("return {a: b for a in c for b in d}", 3),
        ("return lambda: a or b", 2),
        ("match a:\n        case 1: pass\n        case [b]: pass\n        case _: pass", 3),
        ("match a:\n        case 1: pass\n        case _ if b: pass", 3),
    ],
)
def test_a_function_has_one_more_than_its_decisions(body, expected):
    assert complexities(f"def f(a, b, c, d):\n    {body}\n") == {"f": expected}


def test_a_nested_function_is_measured_alone_and_named_after_its_places():
    code = """
    class Outer:
        class Inner:
            async def method(self, x):
                if x:
                    pass
                def local(y):
                    return y or x or self
    """
    assert complexities(code) == {"Outer.Inner.method": 2, "Outer.Inner.method.local": 3}


def test_what_decorates_a_function_or_gives_its_defaults_belongs_to_where_it_is_defined():
    code = """
    def outer(a, b):
        @(a or b)
        def inner(x=a and b):
            pass
    """
    assert complexities(code) == {"outer": 3, "outer.inner": 1}


def test_nesting_deeper_than_the_recursion_limit_is_walked():
    tree = ast.parse("def f(): pass")
    chain = ast.BoolOp(op=ast.And(), values=[ast.Name("a"), ast.Name("b")])
    for _ in range(5_000):
        chain = ast.UnaryOp(op=ast.Not(), operand=chain)
    tree.body[0].body = [ast.Expr(value=chain)]
    assert census(tree).functions[0].complexity == 2


def test_every_function_is_in_one_bucket_and_the_excess_begins_above_ten():
    values = [1, 1, 5, 6, 10, 11, 50, 51, 1000]
    counts = histogram(values)
    assert len(counts) == len(BUCKETS) + 1
    assert sum(counts) == len(values)
    assert counts[0] == 2
    assert counts[-1] == 2
    assert excess(values) == 1 + 40 + 41 + 990
